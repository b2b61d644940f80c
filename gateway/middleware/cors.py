"""Which pages of other origins may read an answer (the Fetch standard, 3.3: CORS)."""

from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.middleware.messages import Headers, header, on_start

_METHODS = "GET, HEAD, POST, PATCH, DELETE"
_REQUEST_HEADERS = (
    "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, prefer, traceparent, "
    "tracestate, x-request-id"
)
_RESPONSE_HEADERS = (
    "allow, deprecation, etag, location, preference-applied, ratelimit-limit, ratelimit-policy, "
    "ratelimit-remaining, ratelimit-reset, retry-after, server-timing, sunset, www-authenticate, x-request-id"
)
_VARY = (b"vary", b"origin")
_PREFLIGHT = (
    (b"access-control-allow-methods", _METHODS.encode()),
    (b"access-control-allow-headers", _REQUEST_HEADERS.encode()),
    (b"access-control-max-age", b"7200"),
)
_EXPOSED = ((b"access-control-expose-headers", _RESPONSE_HEADERS.encode()),)


class Cors:
    """Lets the pages of the listed origins read the answers, refusals too. To any other origin nothing is said.

    No cookie is ever looked at: credentials are not allowed, and need not be. A preflight is an OPTIONS request like
    any other; what it may ask for is added to its answer.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app, self._origins = app, frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin, added = header(scope, b"origin"), [_VARY]
        if origin in self._origins:
            preflight = scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method")
            added += [(b"access-control-allow-origin", origin), *(_PREFLIGHT if preflight else _EXPOSED)]

        def tell(_: int, headers: Headers) -> None:
            headers.extend(added)

        await self._app(scope, receive, on_start(send, tell))
