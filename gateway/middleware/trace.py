"""Every request is a step of a trace, its client's or a new one, and has an id that client and logs share."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.telemetry.logs import telling
from chassis.telemetry.traces import continued
from gateway.middleware.messages import header, on_start

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~-]{1,64}")


class Trace:
    """Continues `traceparent` and `tracestate` (W3C Trace Context); takes a sane X-Request-Id, else makes one.

    Sends the X-Request-Id back.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parent = header(scope, b"traceparent").decode("latin-1")
        state = b",".join(value for name, value in scope["headers"] if name == b"tracestate").decode("latin-1")
        with continued(parent, f"HTTP {scope['method']}", tracestate=state) as trace:
            given = header(scope, b"x-request-id")
            request_id = given if _REQUEST_ID.fullmatch(given) else b"%032x" % trace.trace_id
            with telling(requestId=request_id.decode()):
                answer = (b"x-request-id", request_id)
                await self._app(scope, receive, on_start(send, lambda _, headers: headers.append(answer)))
