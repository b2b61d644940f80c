"""Wrong passwords, counted by address, registered or not: both cost the same and leave the same.

The address itself is not kept, only its hash: people type their password into the wrong field.
"""

import hashlib

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from chassis.clock import Clock
from chassis.mongo import Collection
from services.auth.domain.lockout import FailedLogins, Lockout

COLLECTION = "failed_logins"
INDEXES = (IndexModel("expires_at", expireAfterSeconds=0),)


class FailedLoginStore:
    """Counts atomically, so that guesses made at once are all counted."""

    def __init__(self, collection: Collection, lockout: Lockout, clock: Clock) -> None:
        self._collection, self._lockout, self._clock = collection, lockout, clock

    async def of_address(self, email: str) -> FailedLogins:
        """What is remembered of the address."""
        document = await self._collection.find_one({"_id": _key(email)})
        if document is None or document["expires_at"] <= self._clock.now():
            return FailedLogins()
        return FailedLogins(document["count"], document.get("locked_until"))

    async def count(self, email: str) -> None:
        """Remember one more, and lock the address when it is one too many. A lock is never prolonged."""
        key, now = _key(email), self._clock.now()
        until = now + self._lockout.duration
        over = {"_id": key, "expires_at": {"$lte": now}}
        await self._collection.update_one(
            over, {"$set": {"count": 0, "expires_at": until}, "$unset": {"locked_until": ""}}
        )
        await self._increment(key, {"$inc": {"count": 1}, "$setOnInsert": {"expires_at": until}})
        enough = {"_id": key, "count": {"$gte": self._lockout.failures}, "locked_until": None}
        await self._collection.update_one(enough, {"$set": {"locked_until": until, "expires_at": until}})

    async def forget(self, email: str) -> None:
        """Start over after the right password."""
        await self._collection.delete_one({"_id": _key(email)})

    async def _increment(self, key: str, update: dict[str, object]) -> None:
        try:
            await self._collection.update_one({"_id": key}, update, upsert=True)
        except DuplicateKeyError:
            # Two upserts at once: the document is there now.
            await self._collection.update_one({"_id": key}, update, upsert=True)


def _key(email: str) -> str:
    return hashlib.sha256(email.encode(errors="replace")).hexdigest()
