"""No body larger than the limit is read."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problem import TOO_LARGE, Problem
from gateway.middleware.messages import header, unmeasured
from gateway.problems import Refused


class BodyLimit:
    """Refuses a larger body (413): by its Content-Length before any of it is read, else once it has grown too large."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = header(scope, b"content-length")
        if length.isdigit():
            self._require(int(length))
        elif unmeasured(scope):
            receive = self._counted(receive)
        await self._app(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        size = 0

        async def receiving() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            self._require(size)
            return message

        return receiving

    def _require(self, size: int) -> None:
        if size > self._limit:
            raise Refused(Problem(TOO_LARGE, f"A body may have at most {self._limit} bytes."))
