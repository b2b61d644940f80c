"""What is left of a removed aggregate: its key, its version and sequence, and when it was removed."""

from datetime import timedelta

from chassis.clock import Clock
from chassis.mongo import Collection

KEEP = timedelta(days=30)
"""Longer than any event can be delivered again, so that a late one finds the tombstone and not an empty place."""
_PAGE = 500


async def purge(collection: Collection, clock: Clock) -> None:
    """Delete tombstones older than KEEP, a page at a time. One with unpublished events stays until they are out."""
    old = {"deleted_at": {"$lt": clock.now() - KEEP}, "pending_since": None}
    while True:
        found = await collection.find(old, {"_id": 1}).limit(_PAGE).to_list(None)
        if found:
            # The conditions again: events may have been appended since the look.
            await collection.delete_many({"_id": {"$in": [document["_id"] for document in found]}, **old})
        if len(found) < _PAGE:
            return
