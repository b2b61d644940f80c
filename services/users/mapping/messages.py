"""Profiles and their events → messages."""

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from primetrade.users.v1 import events_pb2, users_pb2

from services.users.domain.profile import Profile, ProfileCreated, ProfileEvent, ProfileUpdated


def profile_message(profile: Profile) -> users_pb2.Profile:
    """The message of a profile."""
    message = users_pb2.Profile(
        id=str(profile.id), name=profile.name, email=profile.email, roles=profile.roles, etag=profile.etag
    )
    message.create_time.FromDatetime(profile.created_at)
    message.update_time.FromDatetime(profile.updated_at)
    return message


def event_message(profile: Profile, event: ProfileEvent) -> Message:
    """The message of an event that the profile recorded and that its next save will store, with the etag of then."""
    after = profile_message(profile)
    after.etag = str(profile.version + 1)
    match event:
        case ProfileCreated():
            return events_pb2.ProfileCreated(profile=after)
        case ProfileUpdated(changed):
            return events_pb2.ProfileUpdated(profile=after, changed=FieldMask(paths=changed))
