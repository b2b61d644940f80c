"""One log line a request: what was asked, what was answered, how long it took. No query, no token, no body."""

import time

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.middleware.messages import Headers, on_start, route_template

log = structlog.get_logger("gateway.access")

_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class AccessLog:
    """Logs each request as `request`, at debug level for the routes that machines poll."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, answered = time.perf_counter(), 0

        def note(status: int, _: Headers) -> None:
            nonlocal answered
            answered = status

        try:
            await self._app(scope, receive, on_start(send, note))
        finally:
            route = route_template(scope)
            say = log.debug if route in _QUIET else log.info
            took = round((time.perf_counter() - started) * 1000, 2)
            say("request", method=scope["method"], route=route, status=answered, durationMs=took)
