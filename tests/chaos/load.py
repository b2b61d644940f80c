"""The load: many people, each with two devices, who write through REST until told to stop."""

import asyncio
import random

import httpx

from chassis.testing.http import http_client
from tests.chaos.client import TIMEOUT_SECONDS, Client
from tests.chaos.history import History
from tests.chaos.person import PATIENCE_SECONDS, Person

DEVICES = 2


class Load:
    """So many people at once. `pause` is the mean of seconds between two writes of a device."""

    def __init__(self, url: str, history: History, seed: int, people: int, pause: float) -> None:
        self._url, self._history, self._people, self._pause = url, history, people, pause
        self._random = random.Random(seed)

    async def run(self, stop: asyncio.Event) -> None:
        """Write until told to stop; return when every answer is in."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=DEVICES * self._people)
        async with (
            http_client(self._url, timeout=TIMEOUT_SECONDS, limits=limits) as http,
            asyncio.TaskGroup() as everybody,
        ):
            client = Client(http, self._history)
            for _ in range(self._people):
                everybody.create_task(self._live(Person(client, random.Random(self._random.random())), stop))

    async def _live(self, person: Person, stop: asyncio.Event) -> None:
        while not (await person.register()).acknowledged:
            if stop.is_set():
                return
            await asyncio.sleep(PATIENCE_SECONDS)
        async with asyncio.TaskGroup() as devices:
            for _ in range(DEVICES):
                devices.create_task(self._use(person, stop))

    async def _use(self, person: Person, stop: asyncio.Event) -> None:
        while not stop.is_set():
            answer = await person.do_something()
            patience = 0.0 if answer.acknowledged else PATIENCE_SECONDS
            await asyncio.sleep(patience + person.random.uniform(0.5, 1.5) * self._pause)
