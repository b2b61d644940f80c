"""The one seam to MongoDB: motor today, its successor (PyMongo's asyncio API) by `MONGO_DRIVER=pymongo`.

Both drivers offer the same calls for everything used here, so a collection is typed as PyMongo's. Two differ and have
their place on `Mongo`: `aggregate` and closing.
"""

import asyncio
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

import pymongo
from pymongo import AsyncMongoClient, IndexModel, monitoring
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, ExecutionTimeout, NetworkTimeout, PyMongoError, WTimeoutError

from chassis.cancelling import cancel
from chassis.errors import DeadlineExceeded, Error, Unavailable
from chassis.generations import FOLLOW_SECONDS, Generations
from chassis.process import ready
from chassis.settings import ServiceSettings
from chassis.telemetry import metrics

Document = dict[str, Any]
Collection = AsyncCollection[Document]
PING_SECONDS = 2.0
_UNMEASURED = frozenset({"hello", "ping", "endSessions", "isMaster", "saslStart", "saslContinue"})


class Mongo:
    """Component: the connection pool of a process, and its database. Entering waits until the server answers.

    `rebuilt` names the collections that a rebuild may replace while they are in use (chassis/generations.py).
    """

    name = "mongo"

    def __init__(self, settings: ServiceSettings, service: str, rebuilt: Iterable[str] = ()) -> None:
        self._settings = settings
        self._client = _connect(settings)
        self.database: AsyncDatabase[Document] = self._client[settings.mongo_database or service]
        self._generations = {name: Generations(self.database, name) for name in rebuilt}
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        await ready("MongoDB", self.ping, self._settings.startup_timeout)
        for generations in self._generations.values():
            await generations.follow()
        if self._generations:
            self._following = asyncio.create_task(self._follow(), name="generations")

    async def __aexit__(self, *_: object) -> None:
        if self._following is not None:
            await cancel([self._following])
        # motor's close() is a plain function, PyMongo's a coroutine.
        if inspect.isawaitable(closing := cast(object, self._client.close())):
            await closing

    def background(self) -> Iterable["asyncio.Task[None]"]:
        return () if self._following is None else (self._following,)

    async def ping(self) -> None:
        """Raise unless the server answers within PING_SECONDS."""
        with pymongo.timeout(PING_SECONDS):
            await self.database.command("ping")

    def collection(self, name: str) -> Collection:
        """A collection of this process's database; writes are acknowledged by a majority, journaled."""
        rebuilt = self._generations.get(name)
        return self.database[name] if rebuilt is None else rebuilt.collection

    def generations(self, name: str) -> Generations:
        """The generations of a collection that is named as `rebuilt`."""
        return self._generations[name]

    async def aggregate(self, collection: Collection, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """All results of an aggregation."""
        # motor returns the cursor at once, PyMongo after an await.
        found = cast(Any, collection.aggregate(pipeline))
        cursor = await found if inspect.iscoroutine(found) else found
        return cast(list[Document], await cursor.to_list(None))

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            for generations in self._generations.values():
                # While the server is away there is nothing to follow: whoever needs it is told then.
                with suppress(PyMongoError), pymongo.timeout(PING_SECONDS):
                    await generations.follow()


class Indexes:
    """Component: creates the declared indexes of each collection when the process starts."""

    name = "indexes"

    def __init__(self, mongo: Mongo, declared: Mapping[str, Sequence[IndexModel]]) -> None:
        self._mongo, self._declared = mongo, declared

    async def __aenter__(self) -> None:
        for name, models in self._declared.items():
            if models:
                await self._mongo.collection(name).create_indexes(list(models))

    async def __aexit__(self, *_: object) -> None:
        return None

    def background(self) -> tuple[()]:
        return ()


@contextmanager
def engine_calls(seconds: float) -> Iterator[None]:
    """Everything asked of MongoDB in the block shares `seconds`, and its failures speak the suite's language.

    Raises Unavailable when the server is away, DeadlineExceeded when the time is over.
    """
    try:
        with pymongo.timeout(seconds):
            yield
    except PyMongoError as error:
        if (known := translate(error)) is None:
            raise
        raise known from error


def translate(error: BaseException) -> Error | None:
    """The suite's error for an engine that is away or slow; None for anything else."""
    if not isinstance(error, PyMongoError):
        return None
    if isinstance(error, NetworkTimeout | ExecutionTimeout | WTimeoutError) or error.timeout:
        return DeadlineExceeded("the database did not answer in time")
    if isinstance(error, ConnectionFailure):
        return Unavailable("the database is away")
    return None


def _connect(settings: ServiceSettings) -> AsyncMongoClient[Document]:
    options: dict[str, Any] = {
        "maxPoolSize": settings.mongo_max_pool_size,
        "minPoolSize": settings.mongo_min_pool_size,
        "serverSelectionTimeoutMS": 5_000,
        "socketTimeoutMS": 45_000,
        "connectTimeoutMS": 5_000,
        "w": "majority",
        "journal": True,
        "tz_aware": True,
        "uuidRepresentation": "standard",
        "event_listeners": [_Commands()],
        "appname": "primetrade",
    }
    url = settings.mongo_url.get_secret_value()
    if settings.mongo_driver == "pymongo":
        return AsyncMongoClient(url, **options)
    from motor.motor_asyncio import AsyncIOMotorClient

    return cast(AsyncMongoClient[Document], AsyncIOMotorClient(url, **options))


class _Commands(monitoring.CommandListener):
    """Measures every command as the driver saw it."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Nothing to do: the end of a command knows its duration."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name not in _UNMEASURED:
            metrics.mongo_commands.labels(event.command_name, "ok").observe(event.duration_micros / 1e6)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        if event.command_name not in _UNMEASURED:
            metrics.mongo_commands.labels(event.command_name, "error").observe(event.duration_micros / 1e6)
