"""What Kafka has acknowledged is logged, cleared from the documents in bulk, and remembered until that is surely so."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from chassis.events.envelope import Event
from chassis.events.publishing.bulk import DocumentId, Published, clear_documents, parts
from chassis.events.publishing.continuity import Continuity
from chassis.events.publishing.eventlog import EventLog, Logged
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.pending import Pending, record_size
from chassis.mongo import Document, engine_calls

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Uncleared:
    """What is published of a document and still in it: these events, all up to the last sequence."""

    key: Document
    epoch: int
    events: dict[UUID, Event] = field(default_factory=dict)
    last: int = 0

    def add(self, events: dict[UUID, Event], last: int) -> int:
        """Returns the bytes by which it has grown."""
        new = [event for id, event in events.items() if id not in self.events]
        self.events |= events
        self.last = max(self.last, last)
        return sum(map(record_size, new))

    @property
    def size(self) -> int:
        return sum(map(record_size, self.events.values()))


class Clearing:
    """Logs acknowledged events, then takes them out of their documents, every `clear_every` seconds.

    A clear names the events it removes, so one appended meanwhile stays. Until it is done, and a while longer, the last
    acknowledged sequence of each document is known here: what reaches this relay again is not published again.

    At every moment an event is in its document or in the log. What was acknowledged by a log that is lost is cleared
    only when it was in the event log before the loss was noticed (chassis.events.publishing.continuity); the rest stays
    in its documents and is published again.
    """

    def __init__(self, event_log: EventLog, continuity: Continuity, limits: RelayLimits) -> None:
        self._log, self._continuity, self._limits = event_log, continuity, limits
        self._published: dict[DocumentId, int] = {}
        self._uncleared: dict[DocumentId, _Uncleared] = {}
        self._bytes = 0
        self._cleared: deque[tuple[float, DocumentId, int]] = deque()
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._clearing = asyncio.Lock()

    def acknowledged(self, pending: Pending, epoch: int) -> None:
        """The topic's log of this epoch has these events: all up to the last of them are published, whoever published
        the earlier ones."""
        if epoch != self._continuity.epoch(pending.outbox.topic):
            return
        last = pending.events[-1].sequence if pending.events else 0
        self._published[pending.id] = max(last, self._published.get(pending.id, 0))
        self._add(pending.id, _Uncleared(pending.key, epoch, {event.id: event for event in pending.events}, last))

    def unpublished(self, pending: Pending) -> list[Event]:
        """The events that are not known to be published."""
        last = self._published.get(pending.id, 0)
        return [event for event in pending.events if event.sequence > last] if last else pending.events

    def forget(self, topic: str) -> None:
        """The topic has come to another log: nothing is known to be published there."""
        for document in [document for document in self._published if document[0].topic == topic]:
            del self._published[document]
            if gone := self._uncleared.pop(document, None):
                self._bytes -= gone.size
        self._measure()

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
            taken, self._uncleared, self._bytes = self._uncleared, {}, 0
            self._some.clear()
            try:
                await self._log_all(taken)
                await self._leave_unconfirmed(taken)
                published = {id: Published(each.key, list(each.events), each.last) for id, each in taken.items()}
                for part in parts(published, self._limits.clear_events):
                    with engine_calls(self._limits.engine):
                        await clear_documents(part[0][0], [published[document] for document in part])
                    self._forget_later(part)
                    for document in part:
                        del taken[document]
            finally:
                for document, kept in taken.items():
                    self._add(document, kept)
                self._measure()
        self._forget()

    async def _log_all(self, taken: dict[DocumentId, _Uncleared]) -> None:
        with engine_calls(self._limits.log):
            await self._log.append(
                Logged(outbox.topic, event) for (outbox, _), each in taken.items() for event in each.events.values()
            )

    async def _leave_unconfirmed(self, taken: dict[DocumentId, _Uncleared]) -> None:
        """Let go of what a lost log had acknowledged: it is in its documents, and is to be published again."""
        for topic, epoch in {(outbox.topic, each.epoch) for (outbox, _), each in taken.items()}:
            if await self._continuity.confirmed(topic, epoch):
                continue
            for document, each in list(taken.items()):
                if document[0].topic == topic and each.epoch == epoch:
                    del taken[document]
                    self._published.pop(document, None)

    def _add(self, document: DocumentId, more: _Uncleared) -> None:
        if more.epoch != self._continuity.epoch(document[0].topic):
            return
        uncleared = self._uncleared.setdefault(document, _Uncleared(more.key, more.epoch))
        self._bytes += uncleared.add(more.events, more.last)
        self._some.set()
        self._measure()

    def _measure(self) -> None:
        limits = self._limits
        if len(self._uncleared) >= limits.uncleared_documents or self._bytes >= limits.uncleared_bytes:
            self._room.clear()
        else:
            self._room.set()

    def _forget_later(self, documents: Sequence[DocumentId]) -> None:
        until = time.monotonic() + self._limits.remember
        self._cleared.extend((until, document, self._published.get(document, 0)) for document in documents)

    def _forget(self) -> None:
        now = time.monotonic()
        while self._cleared and (self._cleared[0][0] < now or len(self._cleared) > self._limits.queue_events):
            _, document, sequence = self._cleared.popleft()
            if document not in self._uncleared and self._published.get(document) == sequence:
                del self._published[document]
