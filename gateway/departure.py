"""Clients that leave before they have their answer. What is only read for them need not be read to its end."""

import asyncio
from types import TracebackType

from starlette.requests import Request

DEPARTURE = "primetrade.departure"
"""Where a scope holds the departure of its client."""

NOBODY = 499
"""The status of an answer that nobody waits for, as nginx logs it: for metrics and the log, no client sees it."""


class ClientLeft(Exception):
    """The connection is gone, and with it whoever asked."""


class Departure:
    """Of one connection, which serves its requests one after the other, or in HTTP/2 of one stream. A block entered
    with it is cancelled when the client leaves, together with the calls made in it, and ends with ClientLeft; so does
    one entered after that."""

    __slots__ = ("_left", "_task")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._left = False

    def leave(self) -> None:
        """The client has left."""
        self._left = True
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> None:
        if self._left:
            raise ClientLeft
        self._task = asyncio.current_task()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        # Whoever else cancels, the server on its way out, is not overruled.
        if self._left and task is not None and not task.uncancel() and kind is asyncio.CancelledError:
            raise ClientLeft


def departure(request: Request) -> Departure:
    """The departure of the request's client; one that never comes where the server tells of none."""
    found: Departure = request.scope.get(DEPARTURE) or Departure()
    return found
