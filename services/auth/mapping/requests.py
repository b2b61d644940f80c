"""Requests of the contract as what the use cases take: every field that breaks a rule is named at once."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.auth.v1 import auth_pb2

from chassis.checks import Checks
from services.auth.domain.revoked_session import Place, page_size


def revoked_sessions_of(
    request: auth_pb2.ListRevokedSessionsRequest,
) -> tuple[int, Place | None, datetime | None]:
    """How many revoked sessions, after which place, since when. Raises Invalid."""
    with Checks() as check:
        return (
            check("page_size", page_size, request.page_size),
            check("page_token", Place.parse, request.page_token) if request.page_token else None,
            check("start_time", _instant, request.start_time) if request.HasField("start_time") else None,
        )


def _instant(timestamp: Timestamp) -> datetime:
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a valid timestamp") from None
