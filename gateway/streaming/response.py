"""A stream as a response: it is sent for as long as it lasts."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chassis.cancelling import cancel
from chassis.identity import Principal
from gateway.connection import ABORT
from gateway.streaming.cursor import Cursor
from gateway.streaming.stream import End, Stream
from gateway.streaming.streams import Streams

MEDIA_TYPE = "text/event-stream"
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def head() -> Response:
    """The answer to HEAD: there is no end to wait for."""
    response = Response(None, 200, _HEADERS, MEDIA_TYPE)
    del response.headers["content-length"]
    return response


class EventStream(Response):
    """Opens a stream of the principal's, after the cursor, and sends what it gets until one of the two ends.

    Raises what opening raises, when nothing is sent yet.
    """

    def __init__(self, streams: Streams, principal: Principal, cursor: Cursor | None) -> None:
        super().__init__(None, 200, _HEADERS, MEDIA_TYPE)
        del self.headers["content-length"]
        self._streams, self._principal, self._cursor = streams, principal, cursor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = self._streams.open(self._principal, self._cursor, scope[ABORT])
        watching = asyncio.create_task(_watch(receive, stream))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while chunk := await stream.next():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._streams.leave(stream)
            await cancel([watching])


async def _watch(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.finish(End.LEFT)
