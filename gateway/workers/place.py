"""A worker's place beside the others: what its parent gave it, and what the two have to say to each other.

The worker says UP when all its parts but the server have started, and READY when it can serve. The parent says ACCEPT
when it is to take connections, and RETIRE when another has taken its place.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from chassis.background import Background
from chassis.cancelling import cancel
from gateway.notice import Notice
from gateway.readiness import Readiness
from gateway.server import HttpServer
from gateway.workers.exposition import Exposition

UP, READY, ACCEPT, RETIRE = b"up\n", b"ready\n", b"accept\n", b"retire\n"
USAGE = "FOLDER NUMBER LISTENER CONTROL"


class Orphaned(Exception):
    """The parent is gone."""


class Place:
    """What a worker is given: the folder of all workers, its number, the listening socket, the way to its parent."""

    def __init__(self, folder: Path, number: int, listener: socket.socket, control: socket.socket) -> None:
        self.number, self.listener, self.control = number, listener, control
        self.exposition = Exposition(folder, number)

    @classmethod
    def of(cls, words: Sequence[str]) -> "Place":
        """The place that the words after the command describe (USAGE). Raises ValueError, also as OSError's cause."""
        folder, number, listener, control = words
        try:
            sockets = [socket.socket(fileno=int(descriptor)) for descriptor in (listener, control)]
            return cls(Path(folder), int(number), *sockets)
        except OSError as error:
            raise ValueError(f"no socket of a parent's: {error.strerror}") from error


class Link(Background):
    """Component: the way to the parent, while the worker lives. It ends with the parent, and the process with it.

    Told to retire, the worker accepts nothing more, gives notice to whom it is connected with, and then drains as by
    SIGTERM. Health is not asked of it any more, for the others accept: the gateway as a whole stays ready.
    """

    name = "parent"

    def __init__(self, place: Place, server: HttpServer, notice: Notice) -> None:
        self._place, self._server, self._notice = place, server, notice
        self._accept = asyncio.Event()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> None:
        self._place.control.setblocking(False)
        self._reader, self._writer = await asyncio.open_unix_connection(sock=self._place.control)
        await self._place.exposition.open()
        await super().__aenter__()

    async def __aexit__(self, *exc: object) -> None:
        await super().__aexit__(*exc)
        await self._place.exposition.close()
        self._writer.close()

    def say(self, word: bytes) -> None:
        """Tell the parent."""
        self._writer.write(word)

    async def accepted(self) -> None:
        """Return when the parent says so. Raises Orphaned."""
        waiting = asyncio.create_task(self._accept.wait())
        await asyncio.wait({waiting, *self.background()}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            await cancel([waiting])
            raise Orphaned("the parent ended before this worker served")

    async def _run(self) -> None:
        while word := await self._reader.readline():
            if word == ACCEPT:
                self._accept.set()
            elif word == RETIRE:
                await self._retire()

    async def _retire(self) -> None:
        await self._server.stop_accepting()
        await self._notice.give()
        os.kill(os.getpid(), signal.SIGTERM)


class Turn(Background):
    """Component: entering it waits until the parent lets this worker accept; it says when it could."""

    name = "turn"

    def __init__(self, link: Link, readiness: Readiness) -> None:
        self._link, self._readiness = link, readiness

    async def __aenter__(self) -> None:
        self._link.say(UP)
        await super().__aenter__()
        await self._link.accepted()

    async def _run(self) -> None:
        await self._readiness.reached()
        self._link.say(READY)

    def background(self) -> tuple[()]:
        return ()  # its task ends by itself
