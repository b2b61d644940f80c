"""The sweep: publishes what no relay has in memory, because its process died, dropped it or never offered it."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from pymongo.read_concern import ReadConcern

from chassis.clock import Clock
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.pending import Outbox, Pending, from_document
from chassis.mongo import Collection, Document

_FIELDS = {"pending": 1, "pending_since": 1}


async def sweep(
    outbox: Outbox, admit: Callable[[Pending], Awaitable[object]], clock: Clock, limits: RelayLimits
) -> None:
    """Hand every document whose events are older than the grace to `admit`, the oldest first, a page at a time.

    Reads at majority: what is found is durable. `admit` waits for room, so memory stays bounded however long the list.
    """
    collection = outbox.collection.with_options(read_concern=ReadConcern("majority"))
    before = clock.now() - timedelta(seconds=limits.sweep_grace)
    since: datetime | None = None
    at_since: set[object] = set()
    while True:
        # A page begins at the last time of the one before: those already seen at that very time are read again.
        page = [
            document
            for document in await _page(collection, since, before, limits.sweep_page + len(at_since))
            if document["_id"] not in at_since
        ]
        for document in page:
            await admit(Pending(outbox, {"_id": document["_id"]}, from_document(document, outbox.source)))
        if len(page) < limits.sweep_page:
            return
        if page[-1]["pending_since"] != since:
            since, at_since = page[-1]["pending_since"], set()
        at_since |= {document["_id"] for document in page if document["pending_since"] == since}


async def _page(collection: Collection, since: datetime | None, before: datetime, size: int) -> list[Document]:
    times = {"$lt": before} if since is None else {"$gte": since, "$lt": before}
    found = collection.find({"pending_since": times}, _FIELDS).sort("pending_since", 1).limit(size)
    return await found.to_list(None)
