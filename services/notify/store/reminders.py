"""The projection of tasks, in the collection `reminders`: one document a task, deleted ones included.

`owed_for` is the due time a reminder is still owed for, absent when none is. `sequence` is that of the last event seen;
a deleted task is its id, its last sequence and `forget_at`.
"""

from datetime import datetime
from uuid import UUID

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from chassis.events.consuming.failures import Superseded
from chassis.mongo import Collection, Document
from services.notify.domain.reminder import Reminder

COLLECTION = "reminders"
INDEXES = (
    IndexModel("owed_for", sparse=True),
    IndexModel("forget_at", sparse=True, expireAfterSeconds=0),
)

_FIELDS = ("owner_id", "title", "due_at", "open", "owed_for", "forget_at")


class ReminderStore:
    """Keeps the newest state of every task that was seen, whatever the order the events come in."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def apply(self, reminder: Reminder) -> None:
        """Keep this state, unless it is known. Raises Superseded when a newer one is."""
        state = {
            "owner_id": reminder.owner_id,
            "title": reminder.title,
            "due_at": reminder.due_at,
            "open": reminder.open,
            "owed_for": reminder.owed_for,
        }
        await self._advance(reminder.task_id, reminder.sequence, state)

    async def forget(self, task_id: UUID, sequence: int, forget_at: datetime) -> None:
        """Keep nothing but that the task was deleted, until `forget_at`. Raises Superseded when a later event of it is
        known."""
        await self._advance(task_id, sequence, {"forget_at": forget_at})

    async def find(self, task_id: UUID) -> Reminder | None:
        """The newest state; None when the task is not known or was deleted."""
        document = await self._collection.find_one({"_id": task_id})
        return None if document is None or "forget_at" in document else _reminder(document)

    async def owed(self, until: datetime, limit: int) -> list[Reminder]:
        """Up to `limit` tasks with a reminder owed for a due time of at most `until`, the earliest first."""
        cursor = self._collection.find({"owed_for": {"$lte": until}}).sort("owed_for", 1).limit(limit)
        return [_reminder(document) for document in await cursor.to_list(None)]

    async def settle(self, reminder: Reminder) -> None:
        """The reminder is no longer owed, unless the task has changed since."""
        unchanged = {"_id": reminder.task_id, "sequence": reminder.sequence}
        await self._collection.update_one(unchanged, {"$unset": {"owed_for": ""}})

    async def _advance(self, task_id: UUID, sequence: int, state: Document) -> None:
        older = {"_id": task_id, "sequence": {"$lt": sequence}}
        present = {name: value for name, value in state.items() if value is not None}
        change = {
            "$set": {**present, "sequence": sequence},
            "$unset": {name: "" for name in _FIELDS if name not in present},
        }
        try:
            await self._collection.update_one(older, change, upsert=True)
        except DuplicateKeyError:
            # Known already: as something newer, or as something older that was inserted at this very moment.
            if (await self._collection.update_one(older, change)).matched_count == 0:
                await self._refuse_older(task_id, sequence)

    async def _refuse_older(self, task_id: UUID, sequence: int) -> None:
        known = await self._collection.find_one({"_id": task_id}, {"sequence": 1})
        if known is not None and known["sequence"] > sequence:
            raise Superseded(f"task {task_id} is known after its event {known['sequence']}")


def _reminder(document: Document) -> Reminder:
    return Reminder(
        task_id=document["_id"],
        owner_id=document["owner_id"],
        title=document["title"],
        due_at=document.get("due_at"),
        open=document["open"],
        sequence=document["sequence"],
    )
