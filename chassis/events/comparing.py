"""What a rebuilt projection has that the one in use has not, and the other way round."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from pymongo import IndexModel

from chassis.events.envelope import Event
from chassis.events.topics import Topic
from chassis.mongo import Collection, Document

PAGE = 500
MOST_UNTOLD = 10_000


class Untold(Enum):
    """What happens to a row in use that tells of events which the topic does not hold."""

    REFUSED = "refused"
    """There is no rebuild: either the topic has lost something, or the row is wrong. A person has to say which."""
    KEPT = "kept"
    """It is taken over as it stands."""
    DROPPED = "dropped"
    """The topic is the whole truth."""


class Projection(Protocol):
    """A collection that follows from a topic, and how. Every row has its aggregate's id as `_id`, and as `sequence` the
    number of the last event it tells of."""

    @property
    def name(self) -> str:
        """The collection, by the name that the code knows."""
        ...

    @property
    def topic(self) -> Topic: ...

    @property
    def indexes(self) -> Sequence[IndexModel]: ...

    async def apply(self, fresh: Collection, events: Sequence[Event]) -> None:
        """Bring rows up to these events of one partition, in any order and any number of times."""
        ...

    async def carry(self, old: Collection, fresh: Collection) -> None:
        """Take over what the topic cannot tell, while nobody writes to the old collection."""
        ...

    async def keep(self, fresh: Collection, rows: Sequence[Document]) -> None:
        """Take over rows that the topic does not tell of, or not to their end."""
        ...

    def told(self, row: Document) -> int:
        """The last event of a row in use that must be in the topic; 0 when there need be none."""
        ...

    def differs(self, row: Document, rebuilt: Document) -> bool:
        """Whether two rows after the same event say different things."""
        ...


@dataclass
class Comparison:
    """The result of a rebuild. Rows that were written while it ran may be counted as they were before or after."""

    rows: int = 0
    """In the collection now."""
    added: int = 0
    """That were missing."""
    changed: int = 0
    """That said something else, or did not tell of the last events."""
    removed: int = 0
    """That no event tells of."""
    kept: int = 0
    """That the topic does not tell of, or not to their end, and that were taken over as they stood."""
    records: int = 0
    undecodable: int = 0
    generation: int = 0
    complete: bool = True
    """Whether the topic reached back to its beginning."""
    writes_waited: float = 0.0
    untold: dict[object, int] = field(default_factory=dict)
    """Rows that told of an event, of this number, which had not been read when they were compared."""

    async def still_untold(self, fresh: Collection) -> list[object]:
        """The rows whose last event has not been read by now."""
        missing = []
        for ids in _parts(self.untold):
            known = await _rows(fresh, ids, {"sequence": 1})
            missing += [id for id in ids if id not in known or known[id]["sequence"] < self.untold[id]]
        return missing

    def lines(self) -> list[str]:
        """The result in words."""
        return [
            f"rows {self.rows}, added {self.added}, changed {self.changed}, removed {self.removed}, kept {self.kept}",
            f"records read {self.records}, no events {self.undecodable}; writes waited {self.writes_waited:.2f} s",
        ]


async def compare(projection: Projection, old: Collection, fresh: Collection, untold: Untold) -> Comparison:
    """Compare every row in use with the rebuilt one. Rows that tell of more than was read are kept, or noted down."""
    found = Comparison()
    matched = 0
    async for page in _pages(old):
        rebuilt = await _rows(fresh, [row["_id"] for row in page])
        beyond = []
        for row in page:
            counterpart, sequence = rebuilt.get(row["_id"]), row.get("sequence", 0)
            known = counterpart["sequence"] if counterpart is not None else 0
            matched += counterpart is not None
            if projection.told(row) > known:
                beyond.append(row)
                matched += counterpart is None and untold is Untold.KEPT
            elif counterpart is None:
                found.removed += sequence == 0
            else:
                found.changed += sequence < known or (sequence == known and projection.differs(row, counterpart))
        if untold is Untold.KEPT:
            await projection.keep(fresh, beyond)
            found.kept += len(beyond)
        elif len(found.untold) < MOST_UNTOLD:
            found.untold |= {row["_id"]: projection.told(row) for row in beyond}
    found.added = await fresh.count_documents({}) - matched
    return found


async def _pages(collection: Collection) -> AsyncIterator[list[Document]]:
    """Every row, a page at a time. Pages follow the ids: no cursor stays open for long."""
    after: Document = {}
    while page := await collection.find(after).sort("_id", 1).limit(PAGE).to_list(None):
        yield page
        after = {"_id": {"$gt": page[-1]["_id"]}}


async def _rows(
    collection: Collection, ids: Sequence[object], fields: Mapping[str, int] | None = None
) -> dict[object, Document]:
    found = await collection.find({"_id": {"$in": list(ids)}}, fields).to_list(None)
    return {row["_id"]: row for row in found}


def _parts(ids: Iterable[object]) -> list[list[object]]:
    whole = list(ids)
    return [whole[start : start + PAGE] for start in range(0, len(whole), PAGE)]
