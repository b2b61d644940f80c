"""The gRPC table of the errors: each as a status with google.rpc details, and back again.

Sources: google.rpc.Code, google/rpc/error_details.proto, AIP-193.
"""

from collections.abc import Callable

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
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
    Unreadable,
    VersionMismatch,
    Violation,
)

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "primetrade"

CODES: dict[type[Error], grpc.StatusCode] = {
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    Unreadable: grpc.StatusCode.INVALID_ARGUMENT,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    NotFound: grpc.StatusCode.NOT_FOUND,
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


def details_of(error: Error) -> bytes:
    """The serialised google.rpc.Status of an error: the value of `grpc-status-details-bin`."""
    number, _ = code_of(error).value
    status = status_pb2.Status(code=number, message=str(error))
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
    for detail in status.details:
        for known in (invalid, resource, retry):
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
    return build[code]() if code in build else None


def _facts(error: Error) -> tuple[Message, ...]:
    if isinstance(error, Invalid):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.message)
            for violation in error.violations
        ]
        return (error_details_pb2.BadRequest(field_violations=violations),)
    if isinstance(error, NotFound | AlreadyExists):
        return (error_details_pb2.ResourceInfo(resource_type=error.resource, resource_name=error.name),)
    if isinstance(error, VersionMismatch):
        return (
            error_details_pb2.ResourceInfo(
                resource_type=error.resource, resource_name=error.name, description=error.current
            ),
        )
    if isinstance(error, Exhausted | Unavailable):
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after * 1000))
        return (error_details_pb2.RetryInfo(retry_delay=delay),)
    return ()


def _parse(details: bytes | None) -> status_pb2.Status:
    try:
        return status_pb2.Status.FromString(details or b"")
    except DecodeError:
        return status_pb2.Status()
