"""Taking published events out of many documents with few commands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from chassis.events.publishing.pending import Outbox
from chassis.mongo import Document

DocumentId = tuple[Outbox, object]


@dataclass(frozen=True, slots=True)
class Published:
    """Events of the document that `key` names, all that it has up to the last sequence."""

    key: Document
    ids: Sequence[UUID]
    last: int


def parts(published: Mapping[DocumentId, Published], most_events: int) -> Iterator[list[DocumentId]]:
    """Documents that one command can clear: of one collection, named by the same fields, of few events together."""

    def kind(document: DocumentId) -> tuple[int, tuple[str, ...]]:
        return id(document[0]), tuple(published[document].key)

    for _, alike in groupby(sorted(published, key=kind), kind):
        part: list[DocumentId] = []
        events = 0
        for document in alike:
            events += len(published[document].ids)
            if part and events > most_events:
                yield part
                part, events = [], len(published[document].ids)
            part.append(document)
        yield part


async def clear_documents(outbox: Outbox, documents: Sequence[Published]) -> None:
    """One update of many. Every key field is named, so that only the shards concerned are asked."""
    keys = [document.key for document in documents]
    if len(documents) == 1:
        # However long a single document's list is, this looks at each of its events once.
        unpublished: Document = {"$gt": ["$$this.seq", documents[0].last]}
    else:
        ids = [event for document in documents for event in document.ids]
        unpublished = {"$not": [{"$in": ["$$this.id", ids]}]}
    await outbox.collection.update_many(
        {name: {"$in": [key[name] for key in keys]} for name in keys[0]},
        [
            {"$set": {"pending": {"$filter": {"input": {"$ifNull": ["$pending", []]}, "cond": unpublished}}}},
            # Not "$pending.time": the embedded engine knows no paths through arrays here.
            {"$set": {"pending_since": {"$let": {
                "vars": {"oldest": {"$arrayElemAt": ["$pending", 0]}},
                "in": {"$ifNull": ["$$oldest.time", "$$REMOVE"]},
            }}}},
        ],
    )  # fmt: skip
