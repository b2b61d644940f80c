"""What Kafka has acknowledged is cleared from the documents, in bulk, and remembered until that is surely so."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

import structlog

from chassis.events.envelope import Event
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.pending import Outbox, Pending
from chassis.mongo import Document, engine_calls

DocumentId = tuple[Outbox, object]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Uncleared:
    """What is published of a document and still in it: these events, all up to the last sequence."""

    key: Document
    ids: list[UUID] = field(default_factory=list)
    last: int = 0

    def add(self, ids: list[UUID], last: int) -> None:
        self.ids += ids
        self.last = max(self.last, last)


class Clearing:
    """Takes acknowledged events out of their documents every `clear_every` seconds.

    A clear names the events it removes, so one appended meanwhile stays. Until it is done, and a while longer, the last
    acknowledged sequence of each document is known here: what reaches this relay again is not published again.
    """

    def __init__(self, limits: RelayLimits) -> None:
        self._limits = limits
        self._published: dict[DocumentId, int] = {}
        self._uncleared: dict[DocumentId, _Uncleared] = {}
        self._cleared: deque[tuple[float, DocumentId, int]] = deque()
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._clearing = asyncio.Lock()

    def acknowledged(self, pending: Pending) -> None:
        """Kafka has these events: all up to the last of them are published, whoever published the earlier ones."""
        last = pending.events[-1].sequence if pending.events else 0
        self._published[pending.id] = max(last, self._published.get(pending.id, 0))
        uncleared = self._uncleared.setdefault(pending.id, _Uncleared(pending.key))
        uncleared.add([event.id for event in pending.events], last)
        self._some.set()
        if len(self._uncleared) >= self._limits.uncleared_documents:
            self._room.clear()

    def unpublished(self, pending: Pending) -> list[Event]:
        """The events that are not known to be published."""
        last = self._published.get(pending.id, 0)
        return [event for event in pending.events if event.sequence > last] if last else pending.events

    async def room(self) -> None:
        """Wait until few enough documents wait for their clear."""
        await self._room.wait()

    async def run(self) -> None:
        """Clear for ever. While MongoDB is away what was acknowledged is kept and tried again."""
        while True:
            await self._some.wait()
            await asyncio.sleep(self._limits.clear_every)
            try:
                await self.clear()
            except Exception as error:
                log.warning("clear_failed", error=str(error))
                await asyncio.sleep(self._limits.outage)

    async def clear(self) -> None:
        """Clear everything acknowledged so far. Raises when MongoDB fails; what is not cleared is kept."""
        async with self._clearing:
            taken, self._uncleared = self._uncleared, {}
            self._some.clear()
            try:
                for outbox, part in _parts(taken, self._limits.clear_events):
                    with engine_calls(self._limits.engine):
                        await _clear(outbox, [taken[document] for document in part])
                    self._forget_later(part)
                    for document in part:
                        del taken[document]
            finally:
                self._keep(taken)
        self._forget()

    def _keep(self, uncleared: dict[DocumentId, _Uncleared]) -> None:
        for document, kept in uncleared.items():
            self._uncleared.setdefault(document, _Uncleared(kept.key)).add(kept.ids, kept.last)
        if self._uncleared:
            self._some.set()
        if len(self._uncleared) < self._limits.uncleared_documents:
            self._room.set()

    def _forget_later(self, documents: Sequence[DocumentId]) -> None:
        until = time.monotonic() + self._limits.remember
        self._cleared.extend((until, document, self._published[document]) for document in documents)

    def _forget(self) -> None:
        now = time.monotonic()
        while self._cleared and (self._cleared[0][0] < now or len(self._cleared) > self._limits.queue_events):
            _, document, sequence = self._cleared.popleft()
            if document not in self._uncleared and self._published.get(document) == sequence:
                del self._published[document]


def _parts(taken: dict[DocumentId, _Uncleared], most_events: int) -> Iterator[tuple[Outbox, list[DocumentId]]]:
    """Documents that one command can clear: of one collection, named by the same fields, of few events together."""

    def kind(document: DocumentId) -> tuple[int, tuple[str, ...]]:
        return id(document[0]), tuple(taken[document].key)

    for _, alike in groupby(sorted(taken, key=kind), kind):
        part: list[DocumentId] = []
        events = 0
        for document in alike:
            events += len(taken[document].ids)
            if part and events > most_events:
                yield part[0][0], part
                part, events = [], len(taken[document].ids)
            part.append(document)
        yield part[0][0], part


async def _clear(outbox: Outbox, documents: Sequence[_Uncleared]) -> None:
    """One update of many. Every key field is named, so that only the shards concerned are asked."""
    keys = [document.key for document in documents]
    if len(documents) == 1:
        # However long a single document's list is, this looks at each of its events once.
        unpublished: Document = {"$gt": ["$$this.seq", documents[0].last]}
    else:
        ids = [event for document in documents for event in document.ids]
        unpublished = {"$not": [{"$in": ["$$this.id", ids]}]}
    await outbox.collection.update_many(
        {name: {"$in": [key[name] for key in keys]} for name in keys[0]},
        [
            {"$set": {"pending": {"$filter": {"input": {"$ifNull": ["$pending", []]}, "cond": unpublished}}}},
            # Not "$pending.time": the embedded engine knows no paths through arrays here.
            {"$set": {"pending_since": {"$let": {
                "vars": {"oldest": {"$arrayElemAt": ["$pending", 0]}},
                "in": {"$ifNull": ["$$oldest.time", "$$REMOVE"]},
            }}}},
        ],
    )  # fmt: skip
