"""How much is not yet published, and for how long: the gauges of an outbox."""

from datetime import UTC, datetime

from chassis.clock import Clock
from chassis.events.publishing.pending import Outbox
from chassis.telemetry import metrics

_EVER = {"pending_since": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}
_MOST = 10_000


async def measure(outbox: Outbox, clock: Clock) -> None:
    """Set the outbox's gauges. The count stops at 10,000: beyond, only the age tells more."""
    oldest = await outbox.collection.find_one(_EVER, {"pending_since": 1}, sort=[("pending_since", 1)])
    count = await outbox.collection.count_documents(_EVER, limit=_MOST) if oldest else 0
    # What was the oldest may be published by the time of the count: nothing has no age.
    age = (clock.now() - oldest["pending_since"]).total_seconds() if oldest and count else 0.0
    metrics.outbox_pending.labels(outbox.collection.name).set(count)
    metrics.outbox_age.labels(outbox.collection.name).set(max(0.0, age))
