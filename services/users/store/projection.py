"""Profiles as the service's own topic tells them: each event of a profile holds its whole state after the change.

A profile is this service's own truth, and its document more than a projection: it numbers the events and holds those
not yet published. So a rebuilt row gets its version and its place among the events from the last one, and what is not
published is carried over from the row in use at the switch, when nobody can write to it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from primetrade.users.v1.events_pb2 import ProfileCreated, ProfileUpdated
from pymongo import IndexModel, ReplaceOne
from pymongo.read_concern import ReadConcern

from chassis.events.envelope import Event, Undecodable
from chassis.events.replay import newest
from chassis.events.topics import USERS
from chassis.mongo import Collection, Document
from services.users.mapping.requests import profile_of
from services.users.store.profiles import COLLECTION, INDEXES, ProfileMapper

_TYPES = (ProfileCreated, ProfileUpdated)
_OUTBOX = ("pending", "pending_since")
_EVER = {"pending_since": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}

log = structlog.get_logger(__name__)


class ProfileProjection:
    """How profiles are rebuilt from the topic `users`."""

    name = COLLECTION
    topic = USERS
    indexes: Sequence[IndexModel] = INDEXES

    def __init__(self) -> None:
        self._mapper = ProfileMapper()

    async def apply(self, fresh: Collection, events: Sequence[Event]) -> None:
        """Bring rows up to these events. One that tells of no profile is passed over, and said."""
        rows = [row for event in newest(events, _TYPES) if (row := self._row(event)) is not None]
        found = await fresh.find({"_id": {"$in": [row["_id"] for row in rows]}}, {"sequence": 1}).to_list(None)
        known = {row["_id"]: row["sequence"] for row in found}
        await _put(fresh, [row for row in rows if row["sequence"] > known.get(row["_id"], 0)])

    async def carry(self, old: Collection, fresh: Collection) -> None:
        """Take over what is not published yet. Read at majority: what was acknowledged is there, and stays."""
        unpublished = old.with_options(read_concern=ReadConcern("majority")).find(_EVER)
        for row in await unpublished.to_list(None):
            rebuilt = await fresh.find_one({"_id": row["_id"]}, {"sequence": 1})
            if rebuilt is None or row["sequence"] > rebuilt["sequence"]:
                await _put(fresh, [row])
            elif row["sequence"] == rebuilt["sequence"]:
                outbox = {name: row[name] for name in (*_OUTBOX, "version")}
                await fresh.update_one({"_id": row["_id"]}, {"$set": outbox})

    async def keep(self, fresh: Collection, rows: Sequence[Document]) -> None:
        """Take rows over, without what they have not published: that is seen to at the switch."""
        await _put(fresh, [{name: value for name, value in row.items() if name not in _OUTBOX} for row in rows])

    def told(self, row: Document) -> int:
        """The last event that is published."""
        return int(row.get("sequence", 0)) - len(row.get("pending", ()))

    def differs(self, row: Document, rebuilt: Document) -> bool:
        """Whether the profile, or its version, is another."""
        shown = rebuilt.keys() - {"_id", "last_event", *_OUTBOX}
        return any(row.get(name) != rebuilt[name] for name in shown)

    def _row(self, event: Event) -> Document | None:
        try:
            message = event.message()
            assert isinstance(message, _TYPES)  # noqa: S101 - what `newest` was asked for
            profile = profile_of(message.profile)
        except (Undecodable, ValueError) as error:
            log.warning("event_passed_over", event_id=str(event.id), error=str(error))
            return None
        return {
            **self._mapper.key(profile),
            **self._mapper.fields(profile),
            "version": profile.version,
            "sequence": event.sequence,
            "last_event": event.id,
        }


async def _put(collection: Collection, rows: Sequence[Document]) -> None:
    if rows:
        await collection.bulk_write([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows], ordered=False)
