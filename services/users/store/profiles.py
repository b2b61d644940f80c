"""Profiles: found by the account's id alone, so that no index but the first is needed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from google.protobuf.message import Message

from chassis.clock import Clock
from chassis.events.publishing import outbox
from chassis.events.publishing.outbox import AggregateStore
from chassis.events.publishing.relay import Relay
from chassis.events.topics import USERS
from chassis.mongo import Collection, Document
from services.users.domain.profile import RESOURCE, Profile, ProfileEvent
from services.users.mapping.messages import event_message
from services.users.store.cache import ProfileCache

COLLECTION = "profiles"
INDEXES = outbox.INDEXES
SOURCE = "/primetrade/users"
"""The `ce_source` of every event of this service."""


class ProfileMapper:
    """How a profile is stored and told."""

    resource = RESOURCE

    def key(self, aggregate: Profile) -> Document:
        return {"_id": aggregate.id}

    def fields(self, aggregate: Profile) -> Document:
        return {
            "name": aggregate.name,
            "email": aggregate.email,
            "roles": list(aggregate.roles),
            "created_at": aggregate.created_at,
            "updated_at": aggregate.updated_at,
        }

    def aggregate(self, document: dict[str, Any]) -> Profile:
        return Profile(
            id=document["_id"],
            name=document["name"],
            email=document["email"],
            roles=tuple(document["roles"]),
            created_at=document["created_at"],
            updated_at=document["updated_at"],
        )

    def message(self, aggregate: Profile, event: ProfileEvent) -> Message:
        return event_message(aggregate, event)


class ProfileStore:
    """Profiles, read through the cache and written past it."""

    def __init__(self, collection: Collection, cache: ProfileCache, relay: Relay, clock: Clock) -> None:
        self._aggregates = AggregateStore[Profile, ProfileEvent](
            collection, ProfileMapper(), USERS, SOURCE, relay, clock
        )
        self._cache = cache

    async def insert(self, profile: Profile) -> None:
        """Store a new profile with its event. Raises AlreadyExists."""
        await self._aggregates.insert(profile)
        await self._cache.put(profile)

    async def read(self, profile_id: UUID) -> Profile:
        """The profile, to look at: never older than what this process has written or heard of. Raises NotFound."""
        if (cached := await self._cache.find(profile_id)) is not None:
            return cached
        # That there is none is not kept: it may be created at any moment.
        profile = await self._aggregates.read({"_id": profile_id})
        await self._cache.put(profile)
        return profile

    async def missing(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those of these ids that no profile has."""
        found = await self._aggregates.collection.find({"_id": {"$in": list(ids)}}, {"_id": 1}).to_list(None)
        return set(ids) - {document["_id"] for document in found}

    async def load(self, profile_id: UUID) -> Profile:
        """The profile as MongoDB has it, to change and save. Raises NotFound."""
        return await self._aggregates.load({"_id": profile_id})

    async def save(self, profile: Profile) -> None:
        """Store what changed, with its events. Raises VersionMismatch when somebody saved it since the load."""
        await self._aggregates.save(profile)
        await self._cache.put(profile)
