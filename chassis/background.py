"""A component that is one task in the background."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable

from chassis.cancelling import cancel


class Background(ABC):
    """Component: runs `_run` from the moment it is entered until it is left. A subclass names itself and its work."""

    name = "background"
    _task: "asyncio.Task[None] | None" = None

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await cancel([self._task])

    def background(self) -> Iterable["asyncio.Task[None]"]:
        return () if self._task is None else (self._task,)

    @abstractmethod
    async def _run(self) -> None: ...
