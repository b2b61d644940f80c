"""The inboxes, in the collection `notifications`: every query names the owner."""

from uuid import UUID

from google.protobuf.message import Message
from pymongo import IndexModel

from chassis.clock import Clock
from chassis.errors import AlreadyExists
from chassis.events.publishing import outbox
from chassis.events.publishing.outbox import AggregateStore
from chassis.events.publishing.relay import Relay
from chassis.events.topics import NOTIFICATIONS
from chassis.mongo import Collection, Document
from services.notify.domain.inbox import Cursor
from services.notify.domain.notification import Kind, Notification, NotificationEvent
from services.notify.mapping.messages import event_message

COLLECTION = "notifications"
RESOURCE = "notification"
SOURCE = "/primetrade/notify"
INDEXES = (
    *outbox.INDEXES,
    IndexModel([("owner_id", 1), ("created_at", -1), ("_id", -1)]),
    IndexModel([("owner_id", 1), ("unread", 1)]),
)

_WITHOUT_OUTBOX = {"pending": 0, "pending_since": 0}
_LATEST_FIRST = [("created_at", -1), ("_id", -1)]


class NotificationStore:
    """Keeps notifications and publishes what happens to them."""

    def __init__(self, collection: Collection, relay: Relay, clock: Clock) -> None:
        self._collection = collection
        self._aggregates: AggregateStore[Notification, NotificationEvent] = AggregateStore(
            collection, _Mapper(), NOTIFICATIONS, SOURCE, relay, clock
        )

    async def add(self, notification: Notification) -> bool:
        """Put it into the inbox. False when it is there already: then nothing changes and nothing is published."""
        try:
            await self._aggregates.insert(notification)
        except AlreadyExists:
            return False
        return True

    async def load(self, owner: UUID, notification_id: UUID) -> Notification:
        """The notification to change and save. Raises NotFound when this person has none of that id."""
        return await self._aggregates.load({"_id": notification_id, "owner_id": owner})

    async def save(self, notification: Notification) -> None:
        """Store and publish what changed. Raises VersionMismatch when somebody saved it since the load."""
        await self._aggregates.save(notification)

    async def latest(self, owner: UUID, limit: int, after: Cursor | None) -> list[Notification]:
        """Up to `limit` of a person's notifications after the cursor, latest first."""
        if after is None:
            return await self._range({"owner_id": owner}, limit)
        # Two ranges of one index: the rest of the cursor's own moment, then whatever is earlier.
        found = await self._range({"owner_id": owner, "created_at": after.created_at, "_id": {"$lt": after.id}}, limit)
        if len(found) < limit:
            earlier = {"owner_id": owner, "created_at": {"$lt": after.created_at}}
            found += await self._range(earlier, limit - len(found))
        return found

    async def unread(self, owner: UUID) -> int:
        """How many of a person's notifications are unread."""
        return await self._collection.count_documents({"owner_id": owner, "unread": True})

    async def _range(self, query: Document, limit: int) -> list[Notification]:
        cursor = self._collection.find(query, _WITHOUT_OUTBOX).sort(_LATEST_FIRST).limit(limit)
        return self._aggregates.aggregates(await cursor.to_list(None))


class _Mapper:
    resource = RESOURCE

    def key(self, aggregate: Notification) -> Document:
        return {"_id": aggregate.id, "owner_id": aggregate.owner_id}

    def fields(self, aggregate: Notification) -> Document:
        return {
            "kind": aggregate.kind.value,
            "title": aggregate.title,
            "body": aggregate.body,
            "created_at": aggregate.created_at,
            "task_id": aggregate.task_id,
            "read_at": aggregate.read_at,
            # Present only while it is so: what is counted stays small.
            "unread": None if aggregate.read else True,
        }

    def aggregate(self, document: Document) -> Notification:
        return Notification(
            id=document["_id"],
            owner_id=document["owner_id"],
            kind=Kind(document["kind"]),
            title=document["title"],
            body=document["body"],
            created_at=document["created_at"],
            task_id=document.get("task_id"),
            read_at=document.get("read_at"),
        )

    def message(self, aggregate: Notification, event: NotificationEvent) -> Message:
        return event_message(aggregate, event)
