"""How a topic on the broker may differ from its declaration, and which differences break a promise of the events.

Start-up changes nothing about a topic that exists: more partitions would move keys and break the order of an
aggregate's events, less retention would delete some, and what an operator set on purpose is theirs to change.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from chassis.events.topics import Declaration

PARTITIONS, REPLICAS = "partitions", "replication.factor"


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as the broker tells of it. `replicas` is that of its least replicated partition."""

    partitions: int
    replicas: int
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One setting of a topic that is not as declared. A harmless one keeps every promise, and more."""

    topic: str
    setting: str
    expected: str
    found: str
    harmless: bool

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.setting}: expected {self.expected}, found {self.found}"


def mismatches(declared: Declaration, found: Found) -> Iterator[Mismatch]:
    """Every difference. A setting that the broker does not tell is passed over."""
    expected = {PARTITIONS: str(declared.partitions), REPLICAS: str(declared.replicas), **declared.options}
    actual = {PARTITIONS: str(found.partitions), REPLICAS: str(found.replicas), **found.options}
    for setting, value in expected.items():
        told = actual.get(setting, value)
        if told != value:
            harmless = _HARMLESS[setting](int(value), int(told), found) if setting in _HARMLESS else False
            yield Mismatch(declared.name, setting, value, told, harmless)


def _no_less(expected: int, found: int, _: Found) -> bool:
    return found >= expected


def _no_shorter(expected: int, found: int, _: Found) -> bool:
    """For limits where -1 is none."""
    return found == -1 or (expected != -1 and found >= expected)


def _writable(expected: int, found: int, topic: Found) -> bool:
    """More in sync than there are replicas: nothing could be written."""
    return expected <= found <= topic.replicas


_HARMLESS: Mapping[str, Callable[[int, int, Found], bool]] = {
    REPLICAS: _no_less,
    "retention.ms": _no_shorter,
    "retention.bytes": _no_shorter,
    "max.message.bytes": _no_less,
    "min.insync.replicas": _writable,
}
"""When a difference is harmless. What is not listed is harmful however it differs: partitions, the cleanup policy."""
