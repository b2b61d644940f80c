"""The errors of the suite. Each carries facts; each edge has one table that says them in its own language.

The tables are in `chassis/rpc/status.py` (gRPC with google.rpc details) and `chassis/problem.py` (HTTP, RFC 9457).

    Error
    ├── Invalid             the input breaks rules; names every violated field at once
    │   └── KeyReused       the idempotency key belongs to another request
    ├── Unreadable          the input cannot be parsed at all
    ├── Unauthenticated     no identity, or one that does not hold
    ├── Forbidden           an identity that may not do this
    ├── NotFound            no such resource, or one that belongs to somebody else
    ├── Gone                what this request made before is deleted
    ├── AlreadyExists       a resource with this identity exists
    ├── Conflict            the state of the resource does not allow this
    ├── VersionMismatch     the resource has changed since the caller read it
    ├── Exhausted           the caller used up a quota
    ├── Unavailable         this cannot be served now; it can be tried again
    └── DeadlineExceeded    the time the caller gave is over

Anything else that is raised is a bug: it is logged with its trace and nothing of it leaves the process.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule of an input: the field as the caller knows it (snake_case in gRPC), and what it must be."""

    field: str
    message: str


class Error(Exception):
    """The root of every expected error."""


class Invalid(Error):
    """The input breaks rules. Raises nothing itself; carries every violation found."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{violation.field}: {violation.message}" for violation in self.violations))

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """The common case of one violation."""
        return cls([Violation(field, message)])


class KeyReused(Invalid):
    """The idempotency key, `request_id` in every contract (AIP-155), came with another request before."""

    def __init__(self) -> None:
        super().__init__([Violation("request_id", "came with another request before")])


class Unreadable(Error):
    """The input cannot be parsed."""


class Unauthenticated(Error):
    """No identity, or one that does not hold."""


class Forbidden(Error):
    """An identity that may not do this."""


class NotFound(Error):
    """No such resource for this caller."""

    def __init__(self, resource: str, name: str) -> None:
        self.resource, self.name = resource, name
        super().__init__(f"{resource} {name!r} not found")


class Gone(Error):
    """What this request made or changed when it came before is deleted."""

    def __init__(self, resource: str, name: str) -> None:
        self.resource, self.name = resource, name
        super().__init__(f"{resource} {name!r} is deleted")


class AlreadyExists(Error):
    """A resource with this identity exists."""

    def __init__(self, resource: str, name: str) -> None:
        self.resource, self.name = resource, name
        super().__init__(f"{resource} {name!r} already exists")


class Conflict(Error):
    """The state of the resource does not allow this."""


class VersionMismatch(Error):
    """The resource has changed since the caller read it; `current` is its etag now, where it is known."""

    def __init__(self, resource: str, name: str, current: str = "") -> None:
        self.resource, self.name, self.current = resource, name, current
        super().__init__(f"{resource} {name!r} has changed")


class Exhausted(Error):
    """The caller used up a quota; it may try again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Unavailable(Error):
    """This cannot be served now; it may be tried again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class DeadlineExceeded(Error):
    """The time the caller gave is over. Whether the work was done is not known."""
