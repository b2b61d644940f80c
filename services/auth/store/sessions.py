"""Sessions: found by the id in a refresh token. An expired one goes by itself, a revoked one leaves a tombstone."""

from datetime import datetime
from typing import Any
from uuid import UUID

from primetrade.auth.v1 import events_pb2
from pymongo import IndexModel

from chassis.clock import Clock
from chassis.events.publishing import outbox
from chassis.events.publishing.eventlog import least_id
from chassis.events.publishing.outbox import AggregateStore
from chassis.events.publishing.relay import Relay
from chassis.events.topics import AUTH
from chassis.mongo import Collection, Document
from services.auth.domain.revoked_session import Place, RevokedSession
from services.auth.domain.session import Session, SessionRevoked
from services.auth.mapping.messages import REASONS

COLLECTION = "sessions"
# A live session has nothing unpublished, and a tombstone has no `expires_at`: the TTL never takes an event along.
# A session has one event, its end, and the ids of events ascend with time. So `last_event` is the order of the ends,
# without ties, and its sparse index holds nothing but tombstones.
INDEXES = (
    IndexModel("expires_at", expireAfterSeconds=0),
    IndexModel("last_event", sparse=True),
    *outbox.INDEXES,
)


class _Mapper:
    resource = "session"

    def key(self, aggregate: Session) -> Document:
        return {"_id": aggregate.id}

    def fields(self, aggregate: Session) -> Document:
        return {
            "account_id": aggregate.account_id,
            "token_digest": aggregate.token_digest,
            "generation": aggregate.generation,
            "created_at": aggregate.created_at,
            "expires_at": aggregate.expires_at,
            "rotations": list(aggregate.rotations) or None,
        }

    def aggregate(self, document: dict[str, Any]) -> Session:
        return Session(
            id=document["_id"],
            account_id=document["account_id"],
            token_digest=bytes(document["token_digest"]),
            generation=document["generation"],
            created_at=document["created_at"],
            expires_at=document["expires_at"],
            rotations=tuple(document.get("rotations", ())),
        )

    def message(self, aggregate: Session, event: SessionRevoked) -> events_pb2.SessionRevoked:
        return events_pb2.SessionRevoked(
            session_id=str(aggregate.id), account_id=str(aggregate.account_id), reason=REASONS[event.reason]
        )


class SessionStore(AggregateStore[Session, SessionRevoked]):
    """The sessions of the suite."""

    def __init__(self, collection: Collection, source: str, relay: Relay, clock: Clock) -> None:
        super().__init__(collection, _Mapper(), AUTH, source, relay, clock)

    async def to_change(self, session_id: UUID) -> Session:
        """The session of that id, to change and save. Raises NotFound when there is none or it was revoked."""
        return await self.load({"_id": session_id})

    async def revoked(self, since: datetime, after: Place | None, limit: int) -> list[RevokedSession]:
        """Up to `limit` sessions that were revoked since then and after that place, in the order of their ends."""
        event = max(least_id(since), after.event) if after is not None else least_id(since)
        found = self.collection.find({"last_event": {"$gt": event}}, {"last_event": 1, "deleted_at": 1})
        documents = await found.sort("last_event", 1).limit(limit).to_list(None)
        return [
            RevokedSession(document["_id"], document["deleted_at"], Place(document["last_event"]))
            for document in documents
        ]
