"""The measures of a relay: how much it holds in memory, how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Durations are seconds. The defaults suit a service; tests make some of them shorter or longer."""

    queue_events: int = 10_000
    """Events in memory over all partitions; what does not fit is left to the sweep."""
    queue_bytes: int = 32 * 1024 * 1024
    """Bytes of their records."""
    batch_events: int = 200
    """Events of several documents in one record batch. A single document's list always goes whole."""
    batch_bytes: int = 512 * 1024
    """Bytes of several documents in one record batch."""
    uncleared_documents: int = 5_000
    """Published documents not yet cleared; beyond, publishing waits for MongoDB."""
    uncleared_bytes: int = 32 * 1024 * 1024
    """Bytes of their records."""
    clear_every: float = 0.05
    """Pause between two clears."""
    clear_events: int = 50
    """Events in one clear: its cost grows with their square."""
    remember: float = 10.0
    """How long what was cleared stays known, for writers that loaded before the clear and offer after it."""
    outage: float = 1.0
    """A round longer than this is an outage: the partition's queue is left to the sweep."""
    longest_pause: float = 5.0
    """Between attempts while Kafka refuses."""
    sweep_every: float = 1.0
    """Pause between two sweeps."""
    sweep_grace: float = 2.0
    """A sweep leaves younger events to the relay of the process that wrote them."""
    sweep_page: int = 200
    """Documents a sweep reads at once."""
    lease: float = 5.0
    """How long after its holder's crash another process sweeps."""
    engine: float = 10.0
    """The deadline of each of the relay's own MongoDB commands."""
    log: float = 2.0
    """The deadline of adding to the event log. Whoever publishes it again waits so long before reading it."""
    second_look: float = 1.0
    """A log is lost when it was found so twice, so long apart."""
