"""Waiting for a condition, with a deadline so generous that only a defect reaches it."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(check: Callable[[], Awaitable[T]], what: str, seconds: float = ...) -> T: ...


@overload
async def eventually(check: Callable[[], T], what: str, seconds: float = ...) -> T: ...


async def eventually(check: Callable[[], object], what: str, seconds: float = 60.0) -> object:
    """Call `check` until it returns something true, and return that. Raises AssertionError naming what was awaited."""
    deadline = time.monotonic() + seconds
    while True:
        result = check()
        value = await result if inspect.isawaitable(result) else result
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s (last: {value!r})")
        await asyncio.sleep(0.02)
