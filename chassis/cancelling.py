"""Ending tasks that were started here."""

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN_SECONDS = 0.5


async def cancel(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel the tasks and wait until they have ended, whatever they end with.

    Asks again until it is so: a library that waits with a timeout may swallow a cancellation that arrives together with
    what it waited for (`asyncio.wait_for` did until Python 3.12), and the task would go on for ever.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        ended, running = await asyncio.wait(running, timeout=_AGAIN_SECONDS)
        for task in ended:
            if not task.cancelled():
                task.exception()  # seen: it is not reported as never retrieved
