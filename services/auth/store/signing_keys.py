"""Signing keys: a handful of documents, the private halves sealed."""

from pymongo.errors import DuplicateKeyError

from chassis.errors import AlreadyExists
from chassis.mongo import Collection
from services.auth.domain.signing_key import SigningKey

COLLECTION = "signing_keys"


class SigningKeyStore:
    """The generation is the identity: of two processes that make the next key at once, one succeeds."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def all(self) -> list[SigningKey]:
        """Every key that is kept, in order of generation."""
        documents = await self._collection.find({}).sort("_id", 1).to_list(None)
        return [
            SigningKey(
                generation=document["_id"],
                public=bytes(document["public"]),
                sealed=bytes(document["sealed"]),
                active_from=document["active_from"],
            )
            for document in documents
        ]

    async def insert(self, key: SigningKey) -> None:
        """Store a new key. Raises AlreadyExists when its generation was made by somebody else."""
        document = {"_id": key.generation, "public": key.public, "sealed": key.sealed, "active_from": key.active_from}
        try:
            await self._collection.insert_one(document)
        except DuplicateKeyError:
            raise AlreadyExists("signing key", str(key.generation)) from None

    async def delete(self, generations: list[int]) -> None:
        """Forget keys that no valid token was signed with."""
        await self._collection.delete_many({"_id": {"$in": generations}})
