"""The base of every aggregate: a version for optimistic concurrency, and the record of what happened.

An aggregate is loaded, decides, and is saved; the save appends what it recorded to the outbox in the same write
(Evans, Domain-Driven Design; Richardson, "Transactional outbox").
"""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from chassis.errors import VersionMismatch

E = TypeVar("E")


@dataclass(kw_only=True)
class Aggregate(Generic[E]):
    """Something with an identity that changes as one. E is the union of its domain events.

    `version` counts the saves and `sequence` the events; both are 0 before the first save. Only a store moves them.
    """

    version: int = 0
    sequence: int = 0
    _recorded: list[E] = field(default_factory=list, init=False, repr=False, compare=False)
    _memento: object = field(default=None, init=False, repr=False, compare=False)

    @property
    def etag(self) -> str:
        """The entity tag of this state (AIP-154), without quotes."""
        return str(self.version)

    @property
    def recorded(self) -> tuple[E, ...]:
        """What happened since the load, in order."""
        return tuple(self._recorded)

    def require_etag(self, expected: str, resource: str, name: str) -> None:
        """Raise VersionMismatch unless `expected` is empty (no precondition) or the current etag."""
        if expected and expected != self.etag:
            raise VersionMismatch(resource, name, self.etag)

    @property
    def memento(self) -> object:
        """For the store alone: what it left here with `saved`."""
        return self._memento

    def saved(self, version: int, sequence: int, memento: object = None) -> None:
        """For the store alone: this state is durable now, its events are in the outbox."""
        self.version, self.sequence, self._memento = version, sequence, memento
        self._recorded.clear()

    def _record(self, event: E) -> None:
        self._recorded.append(event)
