"""A collection that can be replaced as a whole while it is in use: which generation of it is live, who may write to it.

The code knows such a collection by one name; a pointer document says which collection of the database stands behind it:

    {_id: "profiles", generation: 2, live: "profiles.2-1f0c9a3e", closing: {by: "1f0c9a3e", until: …}}

No pointer means generation 1, under the very name. A new generation goes live by one compare-and-set on the pointer, on
any engine, however many documents it has; nothing is renamed and nothing is dropped under a reader.

Before that the old generation is *closed*: a validator that no document satisfies refuses every insert and change, so
that nothing can be acknowledged that the new generation does not hold. It stays closed for good once it is replaced: a
process that was stopped in the middle of a write cannot write there later. A refused write waits here and goes where
the pointer leads by then. Who closes puts down until when (`closing`); after that time whoever is refused opens again,
and the switch that comes too late fails. The validator is this machinery's own: do not set another.
Deletes are not refused; only tombstones are deleted in such a collection, and one that comes back does no harm.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pymongo
import structlog
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, WriteError

from chassis.deadline import remaining
from chassis.errors import Unavailable

POINTERS = "generations"
"""The collection of a service's database that the pointers live in."""
CLOSED_SECONDS = 15.0
"""How long a generation stays closed when the process that closed it has died."""
FOLLOW_SECONDS = 0.5
"""How far a process that only reads may be behind a switch."""

_WRITES = frozenset({"insert_one", "update_one", "update_many", "replace_one", "find_one_and_update"})
_REFUSED = 121
_WAIT_SECONDS = 20.0
_PAUSE_SECONDS = 0.02
_VALIDATE_SECONDS = 5.0
_NOTHING: dict[str, Any] = {"closed": {"$in": []}}

log = structlog.get_logger(__name__)

_Collection = AsyncCollection[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Generation:
    """What the pointer says."""

    number: int
    collection: str
    closed_by: str = ""
    closed_until: datetime | None = None


class Generations:
    """The generations of one collection, as this process knows them."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], name: str) -> None:
        self.name = name
        self._database, self._pointers = database, database[POINTERS]
        self._known = Generation(1, name)
        self._live: _Collection = database[name]  # kept, for a driver makes it anew each time it is asked
        self._listeners: list[Callable[[], Awaitable[None]]] = []

    @property
    def live(self) -> _Collection:
        """The live collection, not older than the last `follow`."""
        return self._live

    @property
    def collection(self) -> _Collection:
        """The collection under its one name: every call goes to the generation that is live at that moment."""
        return cast(_Collection, _Followed(self))

    def on_switch(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Call this whenever another generation went live: what is remembered of the rows may not be so any more."""
        self._listeners.append(listener)

    async def follow(self) -> Generation:
        """Read the pointer, and use from now on what it names."""
        found = await self._read()
        before, self._known = self._known, found
        if self._known.collection != before.collection:
            self._live = self._database[self._known.collection]
            log.info("generation_followed", collection=self.name, generation=self._known.number)
            for listener in self._listeners:
                await listener()
        return self._known

    def next(self, by: str) -> str:
        """The name of the collection that `by` may fill, to be the next generation."""
        return f"{self.name}.{self._known.number + 1}-{by}"

    async def clear_away(self, by: str) -> bool:
        """Drop the generations before the live one, and what runs that died have left. False while somebody else has
        the live one closed: what they are about to switch to must not be dropped."""
        found = await self.follow()
        if not _over(found):
            return False
        await self._create()
        if not await self._mark(found, by):
            return False
        ours = re.compile(rf"{re.escape(self.name)}(\.\d+-[0-9a-f]{{8}})?")
        for collection in await self._database.list_collection_names():
            if ours.fullmatch(collection) and collection != found.collection:
                await self._database.drop_collection(collection)
        await self.open(by)
        return True

    async def close(self, by: str) -> bool:
        """Close the live generation for CLOSED_SECONDS in the name of `by`. False when somebody else has closed it."""
        found = await self.follow()
        if not _over(found):
            return False
        await self._create()
        if not await self._mark(found, by):
            return False
        await self._validate(found.collection, _NOTHING)
        return True

    async def switch(self, by: str, collection: str) -> bool:
        """Make this collection the live one. False when `by` no longer has the old one closed: nothing has changed."""
        change = {"$set": {"live": collection, "generation": self._known.number + 1}, "$unset": {"closing": ""}}
        held = {"_id": self.name, "generation": self._known.number, "closing.by": by}
        switched = (await self._pointers.update_one(held, change)).matched_count == 1
        await self.follow()
        return switched

    async def open(self, by: str) -> None:
        """Open the live generation again, if it is `by` who has it closed."""
        found = await self.follow()
        # Marked anew: who was stopped for so long that another has closed it since must not open it.
        if by and found.closed_by == by and await self._mark(found, by):
            await self._validate(found.collection, {})
            await self._pointers.update_one({"_id": self.name, "closing.by": by}, {"$unset": {"closing": ""}})

    async def turned_away(self, collection: str) -> None:
        """A write to this collection was refused: return when it is worth another attempt."""
        found = await self.follow()
        if found.collection != collection:
            return
        if not _over(found):
            await asyncio.sleep(_PAUSE_SECONDS)
            return
        # Who closed it has died, or is too late: its switch fails from here on.
        opener = uuid4().hex[:8]
        if await self._mark(found, opener):
            log.warning("generation_reopened", collection=collection, closed_by=found.closed_by)
            await self.open(opener)

    async def _read(self) -> Generation:
        found = await self._pointers.find_one({"_id": self.name})
        if found is None:
            return Generation(1, self.name)
        closing = found.get("closing") or {}
        return Generation(found["generation"], found["live"], closing.get("by", ""), closing.get("until"))

    async def _create(self) -> None:
        if self._known.number > 1:
            return
        try:
            await self._pointers.insert_one({"_id": self.name, "generation": 1, "live": self.name})
        except DuplicateKeyError:
            return

    async def _mark(self, found: Generation, by: str) -> bool:
        unchanged = {"_id": self.name, "generation": found.number, "closing.by": found.closed_by or None}
        until = datetime.now(UTC) + timedelta(seconds=CLOSED_SECONDS)
        result = await self._pointers.update_one(unchanged, {"$set": {"closing": {"by": by, "until": until}}})
        return result.matched_count == 1

    async def _validate(self, collection: str, validator: dict[str, Any]) -> None:
        # In less time than the mark lasts; acknowledged by a majority, so that by then every write before it is too.
        with pymongo.timeout(_VALIDATE_SECONDS):
            await self._database.command(
                "collMod", collection, validator=validator, validationLevel="strict", validationAction="error",
                writeConcern={"w": "majority", "j": True},
            )  # fmt: skip


class _Followed:
    """Stands for the collection: every attribute is the live generation's, and a write refused there is made again."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    @property
    def name(self) -> str:
        """The one name, whatever the generation."""
        return self._generations.name

    def __getattr__(self, attribute: str) -> Any:
        if attribute not in _WRITES:
            return getattr(self._generations.live, attribute)

        async def write(*arguments: Any, **options: Any) -> Any:
            loop = asyncio.get_running_loop()
            end = loop.time() + remaining(_WAIT_SECONDS)
            while True:
                live = self._generations.live
                try:
                    return await getattr(live, attribute)(*arguments, **options)
                except WriteError as error:
                    if error.code != _REFUSED:
                        raise
                    if loop.time() > end:
                        raise Unavailable(f"the collection {self.name} is closed") from error
                await self._generations.turned_away(live.name)

        return write


def _over(found: Generation) -> bool:
    """Whether nobody has it closed, as far as clocks can tell."""
    return found.closed_until is None or found.closed_until < datetime.now(UTC)
