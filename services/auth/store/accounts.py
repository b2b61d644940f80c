"""Accounts: found by id and by address, each of which is unique."""

from typing import Any
from uuid import UUID

from primetrade.auth.v1 import events_pb2
from pymongo import IndexModel

from chassis.clock import Clock
from chassis.errors import AlreadyExists
from chassis.events.publishing import outbox
from chassis.events.publishing.outbox import AggregateStore
from chassis.events.publishing.relay import Relay
from chassis.events.topics import AUTH
from chassis.mongo import Collection, Document
from services.auth.domain.account import Account, AccountRegistered
from services.auth.mapping.messages import account_message

COLLECTION = "accounts"
INDEXES = (IndexModel("email", unique=True), *outbox.INDEXES)


class _Mapper:
    resource = "account"

    def key(self, aggregate: Account) -> Document:
        return {"_id": aggregate.id}

    def fields(self, aggregate: Account) -> Document:
        return {
            "email": aggregate.email,
            "name": aggregate.name,
            "roles": list(aggregate.roles),
            "password_hash": aggregate.password_hash,
            "created_at": aggregate.created_at,
            "profile_sequence": aggregate.profile_sequence,
        }

    def aggregate(self, document: dict[str, Any]) -> Account:
        return Account(
            id=document["_id"],
            name=document["name"],
            email=document["email"],
            roles=tuple(document["roles"]),
            password_hash=document["password_hash"],
            created_at=document["created_at"],
            profile_sequence=document["profile_sequence"],
        )

    def message(self, aggregate: Account, _: AccountRegistered) -> events_pb2.AccountRegistered:
        return events_pb2.AccountRegistered(account=account_message(aggregate))


class AccountStore(AggregateStore[Account, AccountRegistered]):
    """The accounts of the suite."""

    def __init__(self, collection: Collection, source: str, relay: Relay, clock: Clock) -> None:
        super().__init__(collection, _Mapper(), AUTH, source, relay, clock)

    async def insert(self, aggregate: Account) -> None:
        """Store a new account with its event. Raises AlreadyExists, naming the address, when it is registered."""
        try:
            await super().insert(aggregate)
        except AlreadyExists as error:
            raise AlreadyExists(error.resource, aggregate.email) from None

    async def of_address(self, email: str) -> Account | None:
        """The account of a normalised address, to look at."""
        document = await self.collection.find_one({"email": email}, {"pending": 0})
        found = self.aggregates([document] if document is not None else [])
        return found[0] if found else None

    async def to_read(self, account_id: UUID) -> Account:
        """The account of that id, to look at. Raises NotFound."""
        return await self.read({"_id": account_id})

    async def to_change(self, account_id: UUID) -> Account:
        """The account of that id, to change and save. Raises NotFound."""
        return await self.load({"_id": account_id})
