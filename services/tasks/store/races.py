"""Two changes of one task at the same time: who wins, and what the other does."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from chassis.events.publishing.races import retrying

P = ParamSpec("P")
T = TypeVar("T")


def rerun_without_etag(use_case: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Load, decide and save again when another change of the task `task_id=` came in between, unless the caller named a
    state by `etag=`: that caller decided knowing it, and has to decide anew."""

    @wraps(use_case)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if kwargs["etag"]:
            return await use_case(*args, **kwargs)
        return await retrying(lambda: use_case(*args, **kwargs), kwargs["task_id"])

    return run
