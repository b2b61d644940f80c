"""One client's stream: what it is to be sent, and why it ends."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from enum import Enum

from chassis.identity import Principal
from gateway.streaming.cursor import Cursor

_CHUNK_BYTES = 65_536


class End(Enum):
    """Why a stream ends. Its client is told, but when it left, or is too slow to be told anything."""

    LEFT = "left"
    SLOW = "slow"
    SESSION_ENDED = "session-ended"
    TOKEN_EXPIRED = "token-expired"  # noqa: S105 - a word
    UNAVAILABLE = "unavailable"
    SHUTDOWN = "shutdown"


class Reset(Enum):
    """Why a client must read again what the stream tells of changes."""

    GONE = "gone"
    """What came after its id is not here any more, or is of another log."""
    LATE = "late"
    """The stream began later than the request: the log could not be read yet."""
    LOST = "lost"
    """The log was lost while the stream was open."""


class Stream:
    """A queue of at most `limit` bytes between the one reader and a client.

    Above, the client is cut: nobody waits for it. What it is sent because it came back does not count.
    """

    def __init__(self, principal: Principal, limit: int, abort: Callable[[], None], opened: float) -> None:
        self.owner, self.session, self.opened = principal.subject, principal.session, opened
        self.expires_at: datetime = principal.expires_at
        self.awaited: Cursor | None = None
        """Where it goes on, while it does not yet."""
        self.reset: Reset | None = None
        """What it is told when it goes on."""
        self.end: End | None = None
        self.said_at = opened
        self._limit, self._abort = limit, abort
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._wake = asyncio.Event()

    def offer(self, frame: bytes, now: float) -> bool:
        """Queue the frame; False when it was too much, and the stream has ended."""
        if self.end is not None:
            return False
        if self._size + len(frame) > self._limit:
            self.finish(End.SLOW)
            return False
        self._put(frame, now)
        return True

    def catch_up(self, frame: bytes, now: float) -> None:
        """Queue what came before, whatever its size."""
        self._limit += len(frame)
        self._put(frame, now)

    def finish(self, end: End, words: bytes = b"") -> None:
        """End it, once, with these last words. The first reason counts."""
        if self.end is not None:
            return
        self.end = end
        if end is End.SLOW:
            # What waits would keep memory, and the connection, for as long as the client likes.
            self._frames.clear()
            self._abort()
        elif words:
            self._frames.append(words)
        self._wake.set()

    def abort(self) -> None:
        """Close the connection, whatever waits to be sent."""
        self._abort()

    async def next(self) -> bytes:
        """What is to be sent next; empty when it has ended. The client has it once this is called again."""
        while not self._frames and self.end is None:
            self._wake.clear()
            await self._wake.wait()
        chunk = bytearray()
        while self._frames and len(chunk) < _CHUNK_BYTES:
            chunk += self._frames.popleft()
        self._size -= len(chunk)
        return bytes(chunk)

    def _put(self, frame: bytes, now: float) -> None:
        self._frames.append(frame)
        self._size += len(frame)
        self.said_at = now
        self._wake.set()
