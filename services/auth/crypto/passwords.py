"""Password hashes: argon2id (RFC 9106), off the event loop, only so many at once and only so many waiting."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from chassis.errors import Unavailable

T = TypeVar("T")

LONGEST = 1_024
"""Characters of a password that is looked at: far more than anyone has, and soon normalised."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password is the right one, and its new hash when the stored one was made with other parameters."""

    right: bool
    renewed: str | None = field(default=None, repr=False)


class Passwords:
    """Component: hashes and verifies in threads of its own, `concurrency` at once; `queue` more wait their turn.

    The bounds are of memory (each hash takes `memory_kib`), of CPU, and of the time that a caller waits: who comes on
    top of these is refused at once as Unavailable. A caller that goes away gives up its turn.
    """

    name = "passwords"

    def __init__(self, memory_kib: int, passes: int, lanes: int, concurrency: int, queue: int) -> None:
        self._hash = PasswordHash((Argon2Hasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes),))
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="passwords")
        self._nobodys = self._hash.hash(secrets.token_urlsafe())
        self._free = concurrency + queue

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def background(self) -> tuple[()]:
        return ()

    async def hash(self, password: str) -> str:
        """The hash to store. Raises Unavailable."""
        return await self._in_turn(self._hashed, password)

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Check a password. Raises Unavailable.

        Without a stored hash, or of a password longer than any, the same work is done, and the verdict is wrong.
        """
        if len(password) > LONGEST:
            password, stored = "", None
        return await self._in_turn(self._judged, password, stored)

    async def _in_turn(self, work: Callable[..., T], *arguments: str | None) -> T:
        if self._free == 0:
            raise Unavailable("too many passwords are being checked")
        self._free -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._free += 1

    def _hashed(self, password: str) -> str:
        return self._hash.hash(_normalised(password))

    def _judged(self, password: str, stored: str | None) -> Verdict:
        right, renewed = self._hash.verify_and_update(_normalised(password), stored or self._nobodys)
        return Verdict(right, renewed) if stored is not None else Verdict(right=False)


def _normalised(password: str) -> str:
    # The same password typed on another keyboard may come in another form (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password)
