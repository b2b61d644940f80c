"""The record of every mail, in the collection `deliveries`.

`due_at` is present until the delivery has ended, `forget_at` from then on: the address of a person is not kept longer
than an event may be delivered again.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from chassis.errors import NotFound, VersionMismatch
from chassis.mongo import Collection, Document
from services.notify.domain.delivery import Delivery, State, Template

COLLECTION = "deliveries"
RESOURCE = "delivery"
INDEXES = (
    IndexModel("due_at", sparse=True),
    IndexModel("forget_at", sparse=True, expireAfterSeconds=0),
)

_EVER = {"due_at": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}
_MOST = 10_000


class DeliveryStore:
    """Keeps deliveries; a save is a compare-and-set, so that of several processes one has a delivery in hand.

    Ended ones go `keep` after their end.
    """

    def __init__(self, collection: Collection, keep: timedelta) -> None:
        self._collection, self._keep = collection, keep

    async def add(self, delivery: Delivery) -> None:
        """Queue it, unless it is known already."""
        document = {"_id": delivery.id, **self._fields(delivery), "version": 1}
        try:
            await self._collection.insert_one({name: value for name, value in document.items() if value is not None})
        except DuplicateKeyError:
            return
        delivery.version = 1

    async def load(self, delivery_id: UUID) -> Delivery:
        """A delivery. Raises NotFound."""
        document = await self._collection.find_one({"_id": delivery_id})
        if document is None:
            raise NotFound(RESOURCE, str(delivery_id))
        return _delivery(document)

    async def due(self, now: datetime, limit: int) -> list[Delivery]:
        """Up to `limit` deliveries to take up: queued and due, or left behind by who had them. Oldest first."""
        cursor = self._collection.find({"due_at": {"$lte": now}}).sort("due_at", 1).limit(limit)
        return [_delivery(document) for document in await cursor.to_list(None)]

    async def waiting(self) -> int:
        """How many deliveries have not ended, counted up to 10,000."""
        return await self._collection.count_documents(_EVER, limit=_MOST)

    async def save(self, delivery: Delivery) -> None:
        """Store the change. Raises VersionMismatch when somebody changed it since it was loaded."""
        fields = self._fields(delivery)
        change: Document = {
            "$set": {name: value for name, value in fields.items() if value is not None}
            | {"version": delivery.version + 1}
        }
        if gone := {name: "" for name, value in fields.items() if value is None}:
            change["$unset"] = gone
        result = await self._collection.update_one({"_id": delivery.id, "version": delivery.version}, change)
        if result.matched_count == 0:
            raise VersionMismatch(RESOURCE, str(delivery.id))
        delivery.version += 1

    def _fields(self, delivery: Delivery) -> Document:
        return {
            "owner_id": delivery.owner_id,
            "template": delivery.template.value,
            "recipient": delivery.recipient,
            "values": dict(delivery.values),
            "message_id": delivery.message_id,
            "traceparent": delivery.traceparent,
            "created_at": delivery.created_at,
            "due_at": delivery.due_at,
            "state": delivery.state.value,
            "attempts": delivery.attempts,
            "error": delivery.error,
            "ended_at": delivery.ended_at,
            "forget_at": delivery.ended_at and delivery.ended_at + self._keep,
        }


def _delivery(document: Document) -> Delivery:
    return Delivery(
        id=document["_id"],
        owner_id=document["owner_id"],
        template=Template(document["template"]),
        recipient=document["recipient"],
        values=document["values"],
        message_id=document["message_id"],
        traceparent=document["traceparent"],
        created_at=document["created_at"],
        due_at=document.get("due_at"),
        state=State(document["state"]),
        attempts=document["attempts"],
        error=document["error"],
        ended_at=document.get("ended_at"),
        version=document["version"],
    )
