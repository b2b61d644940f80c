"""Moments: Timestamp in the contracts, RFC 3339 in JSON."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_UTC = datetime(1970, 1, 1)  # noqa: DTZ001 - without its offset, which costs to write and to cut off again


def rfc3339(moment: Timestamp) -> str:
    """In UTC with milliseconds: `2030-01-31T17:00:00.000Z`."""
    at = _EPOCH_IN_UTC + timedelta(0, moment.seconds, moment.nanos // 1000)
    return at.isoformat(timespec="milliseconds") + "Z"


def timestamp(moment: datetime) -> Timestamp:
    """The moment as the contracts have it."""
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)
