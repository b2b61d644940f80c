"""The queries behind lists, and the indexes they walk.

Every query carries the owner (the shard key) and a range or value that only living tasks have: a tombstone keeps its
owner and loses every other field, so it never shows and the index bounds leave it out.
"""

from datetime import UTC, datetime

from pymongo import ASCENDING, DESCENDING, IndexModel

from chassis.events.publishing.outbox import INDEXES as OUTBOX_INDEXES
from chassis.mongo import Document
from services.tasks.domain.listing import READABLE, Listing, Order, Position, SortField, SortValue
from services.tasks.domain.values import OwnerId
from services.tasks.store.documents import stored

INDEXES = (
    # Newest first, alone and with either filter; counts walk the same three.
    IndexModel([("owner_id", 1), ("create_time", -1), ("_id", -1)]),
    IndexModel([("owner_id", 1), ("status", 1), ("create_time", -1), ("_id", -1)]),
    IndexModel([("owner_id", 1), ("priority", 1), ("create_time", -1), ("_id", -1)]),
    # The other orders.
    IndexModel([("owner_id", 1), ("update_time", 1), ("_id", 1)]),
    IndexModel([("owner_id", 1), ("due_time", 1), ("_id", 1)]),
    IndexModel([("owner_id", 1), ("priority", 1), ("_id", 1)]),
    IndexModel([("owner_id", 1), ("title", 1), ("_id", 1)]),
    *OUTBOX_INDEXES,
)

_BEFORE_ALL_TIMES = datetime(1900, 1, 1, tzinfo=UTC)
_BELOW_ALL: dict[SortField, SortValue] = {
    SortField.CREATE_TIME: _BEFORE_ALL_TIMES,
    SortField.UPDATE_TIME: _BEFORE_ALL_TIMES,
    SortField.DUE_TIME: _BEFORE_ALL_TIMES,
    SortField.PRIORITY: 0,
    SortField.TITLE: "",
}


def matching(owner: OwnerId, listing: Listing) -> Document:
    """Every task of a list."""
    return {"create_time": {"$gt": _BEFORE_ALL_TIMES}, **_wanted(owner, listing)}


def following(owner: OwnerId, listing: Listing, after: Position | None) -> list[Document]:
    """The tasks of a list after a position, as ranges that follow one another.

    Equal value and a later id, then strictly later values: each is one walk along an index, where an `$or` of the two
    is not on every engine.
    """
    wanted, field = _wanted(owner, listing), listing.order.field.value
    below = {"$gt": _BELOW_ALL[listing.order.field]}
    if after is None:
        return [{field: below, **wanted}]
    later = "$lt" if listing.order.descending else "$gt"
    equal = {field: after.value, "_id": {later: after.id}, **wanted}
    if field in wanted:
        return [equal]
    return [equal, {field: {**below, later: after.value}, **wanted}]


def sorting(order: Order) -> list[tuple[str, int]]:
    """The sort of an order, total by the id."""
    direction = DESCENDING if order.descending else ASCENDING
    return [(order.field.value, direction), ("_id", direction)]


def projection(listing: Listing) -> dict[str, bool]:
    """What to read of each document: what is shown, and what names its place in the order."""
    return dict.fromkeys({*shown(listing), "_id", listing.order.field.value}, True)


def shown(listing: Listing) -> frozenset[str]:
    """The stored fields that a list shows."""
    return stored(listing.fields or READABLE)


def position(order: Order, document: Document) -> Position:
    """The place right after a document."""
    return Position(document[order.field.value], document["_id"])


def _wanted(owner: OwnerId, listing: Listing) -> Document:
    wanted: Document = {"owner_id": owner}
    if listing.status is not None:
        wanted["status"] = listing.status.value
    if listing.priority is not None:
        wanted["priority"] = listing.priority.value
    return wanted
