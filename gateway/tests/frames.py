"""HTTP/2 frame by frame, for what no client library would send or keep."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hpack import Decoder, Encoder
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame

from gateway.http2.either import PREFACE
from gateway.tests.raw import opened

Fields = Sequence[tuple[bytes, bytes]]

_SECONDS = 60.0


def asking(path: str = "/healthz", method: str = "GET", token: str = "") -> list[tuple[bytes, bytes]]:
    """The fields of a good request."""
    fields = [(b":method", method), (b":scheme", "http"), (b":path", path), (b":authority", "x")]
    if token:
        fields.append((b"authorization", f"Bearer {token}"))
    return [(name, value.encode()) for name, value in fields]


@dataclass
class Answer:
    """What came on a stream so far."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    reset: int | None = None

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document that it is."""
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        return found


class Peer:
    """One end of a connection. What is awaited is read for, and everything that comes on the way is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._encoder, self.decoder = Encoder(), Decoder()
        self.answers: defaultdict[int, Answer] = defaultdict(Answer)
        self.goaways: list[GoAwayFrame] = []
        self.settings: dict[int, int] = {}
        self.closed, self.pongs = False, 0

    def send(self, *frames: Frame | bytes) -> None:
        """Send these."""
        self._writer.write(b"".join(frame if isinstance(frame, bytes) else frame.serialize() for frame in frames))

    def head(self, stream: int, fields: Fields, *flags: str) -> HeadersFrame:
        """A head with these fields, as they are. It ends the request unless other flags are given."""
        block = self._encoder.encode(fields, huffman=False)
        return HeadersFrame(stream, block, flags=["END_HEADERS", *(flags or ["END_STREAM"])])

    def ask(self, stream: int, fields: Fields, *body: bytes) -> None:
        """Ask, with the body in these frames."""
        self.send(self.head(stream, fields, *(["END_HEADERS"] if body else [])))
        for number, piece in enumerate(body, 1):
            self.send(DataFrame(stream, piece, flags=["END_STREAM"] if number == len(body) else []))

    async def answer(self, stream: int) -> Answer:
        """The answer, when it has ended or is reset."""
        found = self.answers[stream]
        await self.until(lambda: found.ended or found.reset is not None)
        return found

    async def until(self, condition: Any) -> None:
        """Read until it holds."""
        async with asyncio.timeout(_SECONDS):
            while not condition():
                assert not self.closed, "the connection was closed"
                await self._next()

    async def end(self) -> int:
        """The code of the last GOAWAY, when the gateway has closed the connection."""
        async with asyncio.timeout(_SECONDS):
            while not self.closed:
                await self._next()
        return self.goaways[-1].error_code

    def leave(self) -> None:
        """Close the connection."""
        self._writer.close()

    async def _next(self) -> None:
        try:
            frame, length = Frame.parse_frame_header(memoryview(await self._reader.readexactly(9)))
            frame.parse_body(memoryview(await self._reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed = True
            return
        answer = self.answers[frame.stream_id]
        if isinstance(frame, HeadersFrame):
            fields = [(name.decode(), value.decode()) for name, value in self.decoder.decode(frame.data, raw=True)]
            answer.headers = dict(fields)
            answer.status = int(answer.headers.pop(":status"))
        elif isinstance(frame, DataFrame):
            answer.body += frame.data
        elif isinstance(frame, RstStreamFrame):
            answer.reset = frame.error_code
        elif isinstance(frame, GoAwayFrame):
            self.goaways.append(frame)
        elif isinstance(frame, SettingsFrame):
            self.settings.update(frame.settings)
        elif isinstance(frame, PingFrame):
            self.pongs += 1
        answer.ended = answer.ended or "END_STREAM" in frame.flags


@asynccontextmanager
async def meeting(origin: str, **settings: int) -> AsyncIterator[Peer]:
    """A connection that has begun with the preface and these settings, by their names in hyperframe."""
    peer = Peer(*await opened(origin))
    peer.send(PREFACE, SettingsFrame(0, {getattr(SettingsFrame, name): value for name, value in settings.items()}))
    try:
        yield peer
    finally:
        peer.leave()
