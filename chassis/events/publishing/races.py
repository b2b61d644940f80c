"""Several changes of one aggregate at the same time: who goes first, and what the others do.

The compare-and-set of the store is the truth, between processes too. Taking turns only saves the writers of one process
from losing to each other: without it each of n writers at once would load up to n times.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar
from weakref import WeakValueDictionary

from chassis.errors import Unavailable, VersionMismatch

T = TypeVar("T")

ATTEMPTS = 20
"""Each round has a winner, and at most one writer of each process takes part in it."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1

# A turn is there as long as somebody holds it or waits for it.
_turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()


async def retrying(operation: Callable[[], Awaitable[T]], of: Hashable, attempts: int = ATTEMPTS) -> T:
    """Run load → decide → save of the aggregate `of`, in turn with the others of this process, and again when another
    process saved in between: for callers that named no version.

    Raises Unavailable after `attempts`: who named no version is told of none.
    """
    async with _turn(of):
        for attempt in range(attempts):
            try:
                return await operation()
            except VersionMismatch:
                pause = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - only spreads the writers
    raise Unavailable("this is being changed too often at once")


def _turn(of: Hashable) -> asyncio.Lock:
    if (turn := _turns.get(of)) is None:
        turn = _turns[of] = asyncio.Lock()
    return turn
