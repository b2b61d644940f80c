"""Reminders as the topic of tasks tells them: each event of a task but its deletion holds its whole state.

The inbox and the deliveries are no projections: what a person has read, and what was sent, no event of others tells.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import structlog
from primetrade.tasks.v1.events_pb2 import TaskCompleted, TaskCreated, TaskDeleted, TaskUpdated
from pymongo import IndexModel, ReplaceOne

from chassis.clock import Clock
from chassis.events.consuming.failures import Permanent, Superseded
from chassis.events.envelope import Event, Undecodable
from chassis.events.replay import newest
from chassis.events.topics import TASKS
from chassis.mongo import Collection, Document
from services.notify.mapping.events import id_of, reminder_of
from services.notify.store.reminders import COLLECTION, INDEXES, ReminderStore

_STATES = (TaskCreated, TaskUpdated, TaskCompleted)
_COMPARED = ("owner_id", "title", "due_at", "open")

log = structlog.get_logger(__name__)


class ReminderProjection:
    """How reminders are rebuilt from the topic `tasks`. A deleted task is remembered for `keep` from now.

    Whether a reminder is owed is not told by any event. It is taken to be, until the due time has passed: making it
    again changes nothing, since its id follows from the task and the due time.
    """

    name = COLLECTION
    topic = TASKS
    indexes: Sequence[IndexModel] = INDEXES

    def __init__(self, clock: Clock, keep: timedelta) -> None:
        self._clock, self._keep = clock, keep

    async def apply(self, fresh: Collection, events: Sequence[Event]) -> None:
        """Bring rows up to these events. One that tells of no task is passed over, and said."""
        store = ReminderStore(fresh)
        await asyncio.gather(*(self._follow(store, event) for event in newest(events, [*_STATES, TaskDeleted])))

    async def carry(self, old: Collection, fresh: Collection) -> None:
        """The topic tells everything."""

    async def keep(self, fresh: Collection, rows: Sequence[Document]) -> None:
        """Take rows over."""
        if rows:
            await fresh.bulk_write([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows], ordered=False)

    def told(self, row: Document) -> int:
        """The last event seen."""
        return int(row.get("sequence", 0))

    def differs(self, row: Document, rebuilt: Document) -> bool:
        """Whether the task is another. How long a deleted one is remembered, and what is owed, may differ."""
        return any(row.get(name) != rebuilt.get(name) for name in _COMPARED) or (
            ("forget_at" in row) != ("forget_at" in rebuilt)
        )

    async def _follow(self, store: ReminderStore, event: Event) -> None:
        now = self._clock.now()
        with suppress(Superseded):
            try:
                message = event.message()
                if isinstance(message, TaskDeleted):
                    await store.forget(id_of(message.task_id), event.sequence, now + self._keep)
                elif isinstance(message, _STATES):
                    reminder = reminder_of(event, message.task)
                    await store.apply(reminder)
                    if reminder.too_late(now):
                        await store.settle(reminder)
            except (Undecodable, Permanent) as error:
                log.warning("event_passed_over", event_id=str(event.id), error=str(error))
