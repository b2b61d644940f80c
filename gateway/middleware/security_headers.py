"""The headers that keep a browser from doing more with an answer than it should (OWASP Secure Headers)."""

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.middleware.messages import Headers, on_start

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class SecurityHeaders:
    """Adds to every response those of HEADERS that it did not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, on_start(send, _complete))


def _complete(_: int, headers: Headers) -> None:
    own = {name for name, _ in headers}
    headers.extend(pair for pair in HEADERS if pair[0] not in own)
