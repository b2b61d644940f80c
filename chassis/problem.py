"""The HTTP table of the errors: each as a problem document (RFC 9457)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis.errors import (
    AlreadyExists,
    Conflict,
    DeadlineExceeded,
    Error,
    Exhausted,
    Forbidden,
    Gone,
    Invalid,
    KeyReused,
    NotFound,
    Unauthenticated,
    Unavailable,
    Unreadable,
    VersionMismatch,
)

CONTENT_TYPE = "application/problem+json"
TYPE_BASE = "urn:primetrade:problem:"


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of error is said over HTTP."""

    status: int
    code: str
    title: str


TABLE: dict[type[Error], Row] = {
    Invalid: Row(422, "invalid", "The request breaks rules"),
    KeyReused: Row(422, "key-reused", "The idempotency key belongs to another request"),
    Unreadable: Row(400, "unreadable", "The request cannot be read"),
    Unauthenticated: Row(401, "unauthenticated", "Authentication is needed"),
    Forbidden: Row(403, "forbidden", "This is not allowed"),
    NotFound: Row(404, "not-found", "There is no such resource"),
    Gone: Row(410, "gone", "The resource is deleted"),
    AlreadyExists: Row(409, "already-exists", "There is such a resource already"),
    Conflict: Row(409, "conflict", "The state of the resource does not allow this"),
    VersionMismatch: Row(412, "version-mismatch", "The resource has changed"),
    Exhausted: Row(429, "exhausted", "A quota is used up"),
    Unavailable: Row(503, "unavailable", "This cannot be served now"),
    DeadlineExceeded: Row(504, "deadline-exceeded", "This took too long"),
}
"""Errors of the suite."""

INTERNAL = Row(500, "internal", "Something is wrong on our side")
METHOD_NOT_ALLOWED = Row(405, "method-not-allowed", "This method is not allowed here")
TOO_LARGE = Row(413, "too-large", "The body is too large")
UNSUPPORTED_MEDIA_TYPE = Row(415, "unsupported-media-type", "The body must be JSON")
PRECONDITION_REQUIRED = Row(428, "precondition-required", "This must say which state it changes")
NO_ROUTE = Row(404, "not-found", "There is nothing at this path")
"""Errors that only HTTP knows."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document and the headers that go with it."""

    row: Row
    detail: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, instance: str, trace_id: str) -> dict[str, Any]:
        """The document, for the request at `instance`."""
        return {
            "type": f"{TYPE_BASE}{self.row.code}",
            "title": self.row.title,
            "status": self.row.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.row.code,
            "traceId": trace_id,
            **self.facts,
        }


def problem_of(error: Exception, rename: Callable[[str], str] = str) -> Problem:
    """The problem of an error; anything that is not one of the suite's is INTERNAL and leaks nothing.

    `rename` turns the field names of gRPC into those of the HTTP client.
    """
    row = TABLE.get(type(error)) if isinstance(error, Error) else None
    if row is None:
        return Problem(INTERNAL, "The error was recorded; name the traceId when you report it.")
    if isinstance(error, Invalid):
        errors = [{"field": rename(item.field), "message": item.message} for item in error.violations]
        return Problem(row, f"{len(errors)} field(s) break rules", {"errors": errors})
    if isinstance(error, Unauthenticated):
        return Problem(row, str(error), headers={"WWW-Authenticate": 'Bearer realm="primetrade"'})
    if isinstance(error, Exhausted | Unavailable):
        return Problem(row, str(error), headers={"Retry-After": str(max(1, math.ceil(error.retry_after)))})
    return Problem(row, str(error))
