"""Requests and events → the domain. Each raises Invalid with every violated field at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.auth.v1 import auth_pb2
from primetrade.users.v1 import users_pb2

from chassis.checks import Checks
from chassis.errors import NotFound
from services.users.domain.profile import CHANGEABLE, RESOURCE, NewProfile, Profile, profile_email, profile_name

ME = "me"
_UUID_CHARACTERS = 36


def profile_id_of(text: str, caller: str) -> UUID:
    """The profile that `text` names: "me" is the caller's. Raises NotFound for what is no UUID in its usual form."""
    named = caller if text == ME else text
    try:
        return _uuid(named)
    except ValueError:
        # Cut: errors travel in headers, which have little room.
        raise NotFound(RESOURCE, text[:_UUID_CHARACTERS]) from None


def new_profile_of(told: users_pb2.Profile | auth_pb2.Account) -> NewProfile:
    """What auth tells of a new account, by gRPC or by event."""
    with Checks() as check:
        return NewProfile(
            id=check("id", _uuid, told.id),
            name=check("name", profile_name, told.name),
            email=check("email", profile_email, told.email),
            roles=tuple(told.roles),
            registered_at=check("create_time", _instant, told.create_time),
        )


def name_of(request: users_pb2.UpdateProfileRequest) -> str:
    """The new name. The mask must name it, and nothing else."""
    with Checks() as check:
        check("update_mask", _changeable, request.update_mask.paths)
        return check("name", profile_name, request.profile.name)


def profile_of(message: users_pb2.Profile) -> Profile:
    """The profile that one of our own events tells. Raises ValueError when it is none."""
    return Profile(
        id=_uuid(message.id),
        name=message.name,
        email=message.email,
        roles=tuple(message.roles),
        created_at=_instant(message.create_time),
        updated_at=_instant(message.update_time),
        version=int(message.etag),
    )


def _changeable(paths: Sequence[str]) -> None:
    if not paths or set(paths).difference(CHANGEABLE):
        raise ValueError(f"must name at least one of {', '.join(CHANGEABLE)}, and nothing else")


def _uuid(text: str) -> UUID:
    value = UUID(text)
    if str(value) != text.lower():
        raise ValueError("must be a UUID in its usual form")
    return value


def _instant(timestamp: Timestamp) -> datetime:
    if not timestamp.seconds:
        raise ValueError("is required")
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a valid timestamp") from None
