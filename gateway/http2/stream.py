"""A stream: one request and its answer, as ASGI has them."""

import asyncio
from typing import TYPE_CHECKING

import structlog
from h2.errors import ErrorCodes
from starlette.types import ASGIApp, Message, Scope

from gateway.connection import LEAST
from gateway.departure import Departure
from gateway.http2.head import Head

if TYPE_CHECKING:
    from gateway.http2.connection import Http2Connection

log = structlog.get_logger(__name__)


class Stream:
    """Serves one request. It is over when it is answered, reset by either side, or left by the client."""

    def __init__(self, connection: "Http2Connection", number: int, head: Head, ended: bool) -> None:
        self.number, self.departure = number, Departure()
        self.over = self.begun = self.answered = False
        self.ended = ended
        """Whether all of the request is here."""
        self.unread = 0
        """Bytes of the client's window that are not given back yet."""
        self._connection = connection
        self._bodiless, self._awaited = head.method == b"HEAD", head.awaits_continue and not ended
        self._body = bytearray()
        self._told = False
        """Whether the application has all of the request."""
        self._news, self._room = asyncio.Event(), asyncio.Event()

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Let the application answer. What it leaves without an end is reset."""
        try:
            await app(scope, self.receive, self.send)
        except Exception:
            log.exception("answer_broken")
        finally:
            self._connection.served(self)

    def arrive(self, data: bytes, window: int) -> None:
        """More of the body, which takes so much of the client's window until it is read."""
        self._body += data
        self.unread += window
        self._news.set()

    def end(self) -> None:
        """The request is all here."""
        self.ended = True
        self._news.set()

    def leave(self) -> None:
        """Nobody waits for the answer any more."""
        self.over = True
        self._news.set()
        self._room.set()
        self.departure.leave()

    def abort(self) -> None:
        """Cut it, whatever waits to be sent: its client does not read. The other streams know nothing of it."""
        if not self.over:
            self._connection.reset(self, ErrorCodes.CANCEL)
            self.leave()

    def find_room(self) -> None:
        """There may be room to send again."""
        self._room.set()

    async def receive(self) -> Message:
        """The next of the body; when all of it is told, that the client has left."""
        if self._awaited and not (self._body or self.ended or self.over):
            self._connection.invite(self)
        self._awaited = False
        while not (self.over or (not self._told and (self._body or self.ended))):
            self._news.clear()
            await self._news.wait()
        if self.over:
            return {"type": "http.disconnect"}
        body, self._body, self._told = bytes(self._body), bytearray(), self.ended
        self._connection.give_back(self)
        return {"type": "http.request", "body": body, "more_body": not self.ended}

    async def send(self, message: Message) -> None:
        """Send it as soon as the client has room. Who takes too little for long is cut."""
        if self.over:
            return
        if message["type"] == "http.response.start":
            await self._wait_while_paused()
            if self.over:
                return
            status = message["status"]
            self.begun, self._bodiless = True, self._bodiless or status in (204, 304)
            self._connection.send_head(self, status, message.get("headers", ()), end=self._bodiless)
            return
        end = not message.get("more_body", False)
        data = message.get("body", b"")
        if not self._bodiless and (data or end):
            await self._send_body(data, end)
        if end and not self.over:
            self.over = self.answered = True
            self._news.set()

    async def _wait_while_paused(self) -> None:
        until = self._connection.patience_ends() if self._connection.paused else 0.0
        while self._connection.paused and not self.over:
            await self._wait_for_room(until)

    async def _send_body(self, data: bytes, end: bool) -> None:
        sent, until, taken = 0, 0.0, 0
        while not self.over:
            room = self._connection.room(self)
            if room > 0 or sent == len(data):
                piece = data[sent : sent + room] if room < len(data) else data
                sent += len(piece)
                self._connection.send_data(self, piece, end=end and sent == len(data))
                if sent == len(data):
                    return
                continue
            if not until or sent - taken >= LEAST:
                until, taken = self._connection.patience_ends(), sent
            await self._wait_for_room(until)

    async def _wait_for_room(self, until: float) -> None:
        """Until it is worth a look whether there is some; the stream is cut when it is not by then."""
        self._room.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._room.wait()
        except TimeoutError:
            self.abort()
