"""Rebuilding a projection: its topic is read again from the start into a fresh collection, which then goes live.

    read ──> compare ──> read what came meanwhile ──> close the old ──> read the rest, carry over ──> switch
    └────────── the service reads and writes the old generation ──┘└── writes wait ──┘

Nothing that was acknowledged is lost: what was written before the closing is either published, and so in the topic
before its end as it is read then, or still in the row's outbox, and carried over. A run that dies leaves the old
generation live, and the next run clears away what it left. A lease keeps two runs apart; should they meet, each has a
fresh collection of its own, and only one can have the old one closed.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import uuid4

import structlog

from chassis.clock import Clock
from chassis.events.comparing import Comparison, Projection, Untold, compare
from chassis.events.replay import Replay
from chassis.generations import CLOSED_SECONDS
from chassis.mongo import Collection, Mongo
from chassis.schedule import LEASES, Lease, holder, while_held
from chassis.settings import Settings

LEASE_SECONDS = 15.0
CLOSED_LIMIT = 10.0
"""The old generation is closed for less: a switch that takes longer is given up, and everything stays as it was."""
_SAY_SECONDS = 2.0
_ROUNDS = 3
_FEW = 500

log = structlog.get_logger(__name__)


class Refused(Exception):
    """There is no rebuild, for this reason; nothing was changed."""


class Rebuild:
    """Rebuilds one projection of a process whose MongoDB and Topics are entered. `say` is told of its progress."""

    def __init__(
        self,
        settings: Settings,
        mongo: Mongo,
        projection: Projection,
        clock: Clock,
        say: Callable[[str], None],
        untold: Untold = Untold.REFUSED,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._settings, self._mongo, self._projection = settings, mongo, projection
        self._say, self._untold = say, untold
        self._generations = mongo.generations(projection.name)
        self._run_id, self._asked = uuid4().hex[:8], False
        self._lease = Lease(mongo.collection(LEASES), f"rebuild-{projection.name}", holder(), clock, lease_seconds)

    async def run(self) -> Comparison:
        """Rebuild and switch over. Raises Refused, and any error of the engines; the old generation is live then."""
        await self._acquired()
        try:
            return await while_held(self._lease, self._rebuilt())
        finally:
            await self._lease.release()

    async def _acquired(self) -> None:
        """A run that was killed holds its lease a while longer: wait for that, not for one that lives."""
        if await self._lease.acquire():
            return
        self._say("another rebuild holds the lease; waiting to see whether it still lives")
        give_up = time.monotonic() + self._lease.seconds + 1
        while not await self._lease.acquire():
            if time.monotonic() > give_up:
                raise Refused(f"another rebuild of {self._projection.name} is under way")
            await asyncio.sleep(0.2)

    async def _rebuilt(self) -> Comparison:
        await self._cleared_away()
        fresh = self._mongo.collection(self._generations.next(self._run_id))
        try:
            await fresh.create_indexes(list(self._projection.indexes))
            async with Replay(self._settings, [self._projection.topic]) as replay:
                return await self._filled(replay, fresh)
        except BaseException:
            # Once the switch was asked for, nobody knows but the next run whether it will yet be done.
            if not self._asked:
                with contextlib.suppress(Exception):
                    await fresh.drop()
            raise

    async def _cleared_away(self) -> None:
        give_up = time.monotonic() + CLOSED_SECONDS + 1
        while not await self._generations.clear_away(self._run_id):
            if time.monotonic() > give_up:
                raise Refused(f"{self._projection.name} is closed by another rebuild")
            await asyncio.sleep(0.2)

    async def _filled(self, replay: Replay, fresh: Collection) -> Comparison:
        topic = self._projection.topic.name(self._settings.kafka_prefix)
        self._require_beginning(replay, topic)
        self._say(f"{self._projection.name}: reading {topic} from the start into {fresh.name}")
        await self._read(replay, fresh)
        self._say(f"{replay.records} records read; comparing with {self._generations.live.name}")
        found = await compare(self._projection, self._generations.live, fresh, self._untold)
        await self._nearly_caught_up(replay, fresh)
        if rows := await found.still_untold(fresh):
            self._require_dropping(rows, topic)
            found.removed += len(rows)
        found.writes_waited = await self._switched(replay, fresh)
        found.rows = await self._generations.live.count_documents({})
        found.records, found.undecodable = replay.records, replay.undecodable
        found.complete = not any(replay.beginnings.values())
        found.generation = (await self._generations.follow()).number
        return found

    def _require_beginning(self, replay: Replay, topic: str) -> None:
        cut = {name.partition: offset for name, offset in replay.beginnings.items() if offset > 0}
        if cut and self._untold is Untold.REFUSED:
            partition, offset = next(iter(cut.items()))
            raise Refused(
                f"{topic} no longer reaches back to its beginning: partition {partition} begins at offset {offset}. "
                "What was before cannot be rebuilt: --keep takes over rows it does not tell of, --drop leaves them out"
            )

    def _require_dropping(self, rows: Sequence[object], topic: str) -> None:
        if self._untold is Untold.REFUSED:
            raise Refused(
                f"{len(rows)} rows of {self._projection.name} tell of events that {topic} does not hold (the first: "
                f"{rows[0]}). --keep takes such rows over as they stand, --drop leaves them out"
            )

    async def _read(self, replay: Replay, fresh: Collection) -> None:
        said = time.monotonic()
        async for events in replay.catch_up():
            await self._projection.apply(fresh, events)
            if time.monotonic() - said > _SAY_SECONDS:
                said = time.monotonic()
                self._say(f"{replay.records} records read")

    async def _nearly_caught_up(self, replay: Replay, fresh: Collection) -> None:
        """Read what was published meanwhile, so that little is left for when writes have to wait."""
        for _ in range(_ROUNDS):
            before = replay.records
            await self._read(replay, fresh)
            if replay.records - before < _FEW:
                return

    async def _switched(self, replay: Replay, fresh: Collection) -> float:
        """Switch over; the seconds for which writes waited."""
        began = time.monotonic()
        try:
            async with self._closed(), asyncio.timeout(CLOSED_LIMIT):
                await self._read(replay, fresh)
                await self._projection.carry(self._generations.live, fresh)
                self._asked = await self._intact(fresh)
                switched = self._asked and await self._generations.switch(self._run_id, fresh.name)
        except TimeoutError:
            switched = False
        if not switched:
            raise Refused(
                f"writes would have waited for more than {CLOSED_LIMIT:.0f} s. Run it again when less is going on"
            )
        return time.monotonic() - began

    @contextlib.asynccontextmanager
    async def _closed(self) -> AsyncIterator[None]:
        try:
            if not await self._generations.close(self._run_id):
                raise Refused(f"{self._projection.name} is closed by another rebuild")
            yield
        finally:
            # Does nothing once another generation is live.
            await self._generations.open(self._run_id)

    async def _intact(self, fresh: Collection) -> bool:
        """Whether it is still what was filled: one that another run has cleared away comes back with the next write,
        all but empty and without its indexes."""
        there = await fresh.index_information()
        return all(index.document["name"] in there for index in self._projection.indexes)
