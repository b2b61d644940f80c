"""Every request is measured by method, route template and status."""

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.telemetry import metrics
from gateway.middleware.messages import EVENTS, Headers, on_start, route_template

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measure:
    """Observes `primetrade_http_request_duration_seconds`. Paths and methods nobody declared share one label.

    Of a stream it is the time until it begins.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, answered, ended = time.perf_counter(), 500, 0.0

        def note(status: int, _: Headers) -> None:
            nonlocal answered, ended
            answered = status
            ended = time.perf_counter() if scope["path"] == EVENTS else 0.0

        try:
            await self._app(scope, receive, on_start(send, note))
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            observed = metrics.http_requests.labels(method, route_template(scope), str(answered))
            observed.observe((ended or time.perf_counter()) - started)
