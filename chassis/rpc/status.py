"""The gRPC table of the errors: each as a status with google.rpc details, and back again.

An error travels in headers, of which a peer takes 8 KiB by default (grpc.max_metadata_size): texts are cut, and of too
many violations the first are told and the others counted.

Sources: google.rpc.Code, google/rpc/error_details.proto, AIP-193.
"""

from collections.abc import Callable, Sequence

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

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
    Violation,
)

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "primetrade"

TEXT_BYTES = 512
"""Room for one text. In `grpc-message` a byte that is not ASCII takes three."""
VIOLATIONS_BYTES = 2_560
"""Room for all violations but the one that counts the rest."""
DETAILS_BYTES = 4_096
"""Room for the details. As Base64 they take a third more, which leaves 1 KiB for every other header."""
_CUT = "..."

CODES: dict[type[Error], grpc.StatusCode] = {
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    KeyReused: grpc.StatusCode.INVALID_ARGUMENT,
    Unreadable: grpc.StatusCode.INVALID_ARGUMENT,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Gone: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    Conflict: grpc.StatusCode.FAILED_PRECONDITION,
    VersionMismatch: grpc.StatusCode.ABORTED,
    Exhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
}


def code_of(error: Error) -> grpc.StatusCode:
    """The status code of an error."""
    return CODES[type(error)]


def message_of(error: Error) -> str:
    """What an error says, at most TEXT_BYTES long."""
    return _cut(str(error))


def details_of(error: Error) -> bytes:
    """The serialised google.rpc.Status of an error, at most DETAILS_BYTES long: `grpc-status-details-bin`."""
    number, _ = code_of(error).value
    status = status_pb2.Status(code=number, message=message_of(error))
    for detail in (*_facts(error), error_details_pb2.ErrorInfo(reason=type(error).__name__, domain=DOMAIN)):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    serialised: bytes = status.SerializeToString()
    return serialised


def error_of(code: grpc.StatusCode, message: str, details: bytes | None) -> Error | None:
    """The error behind a status that came back from a call; None when the status says a bug (INTERNAL, UNKNOWN, …)."""
    status = _parse(details)
    invalid = error_details_pb2.BadRequest()
    resource = error_details_pb2.ResourceInfo()
    retry = error_details_pb2.RetryInfo()
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        for known in (invalid, resource, retry, info):
            detail.Unpack(known)
    after = retry.retry_delay.ToTimedelta().total_seconds() or 1.0
    build: dict[grpc.StatusCode, Callable[[], Error]] = {
        grpc.StatusCode.INVALID_ARGUMENT: lambda: Invalid(
            Violation(violation.field, violation.description) for violation in invalid.field_violations
        ),
        grpc.StatusCode.UNAUTHENTICATED: lambda: Unauthenticated(message),
        grpc.StatusCode.PERMISSION_DENIED: lambda: Forbidden(message),
        grpc.StatusCode.NOT_FOUND: lambda: NotFound(resource.resource_type, resource.resource_name),
        grpc.StatusCode.ALREADY_EXISTS: lambda: AlreadyExists(resource.resource_type, resource.resource_name),
        grpc.StatusCode.FAILED_PRECONDITION: lambda: Conflict(message),
        grpc.StatusCode.ABORTED: lambda: VersionMismatch(
            resource.resource_type, resource.resource_name, resource.description
        ),
        grpc.StatusCode.RESOURCE_EXHAUSTED: lambda: Exhausted(message, after),
        grpc.StatusCode.UNAVAILABLE: lambda: Unavailable(message, after),
        grpc.StatusCode.DEADLINE_EXCEEDED: lambda: DeadlineExceeded(message),
    }
    # What shares its code with a wider error.
    narrower: dict[tuple[grpc.StatusCode, str], Callable[[], Error]] = {
        (CODES[KeyReused], KeyReused.__name__): KeyReused,
        (CODES[Gone], Gone.__name__): lambda: Gone(resource.resource_type, resource.resource_name),
    }
    make = narrower.get((code, info.reason)) or build.get(code)
    return make() if make else None


def _facts(error: Error) -> tuple[Message, ...]:
    if isinstance(error, Invalid):
        return (_bad_request(error.violations),)
    if isinstance(error, NotFound | Gone | AlreadyExists | VersionMismatch):
        current = error.current if isinstance(error, VersionMismatch) else ""
        return (
            error_details_pb2.ResourceInfo(
                resource_type=_cut(error.resource), resource_name=_cut(error.name), description=_cut(current)
            ),
        )
    if isinstance(error, Exhausted | Unavailable):
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after * 1000))
        return (error_details_pb2.RetryInfo(retry_delay=delay),)
    return ()


def _bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    told = error_details_pb2.BadRequest()
    for number, violation in enumerate(violations):
        told.field_violations.add(field=_cut(violation.field), description=_cut(violation.message))
        if told.ByteSize() > VIOLATIONS_BYTES:
            told.field_violations[-1].description = f"one of {len(violations) - number} more that there is no room for"
            break
    return told


def _cut(text: str) -> str:
    raw = text.encode(errors="replace")
    return text if len(raw) <= TEXT_BYTES else raw[: TEXT_BYTES - len(_CUT)].decode(errors="ignore") + _CUT


def _parse(details: bytes | None) -> status_pb2.Status:
    try:
        return status_pb2.Status.FromString(details or b"")
    except DecodeError:
        return status_pb2.Status()
