"""The events that the auth service reacts to."""

from collections.abc import Mapping
from uuid import UUID

from google.protobuf.message import Message
from primetrade.users.v1 import events_pb2

from chassis.events.consuming.consumer import Handler, Permanent
from chassis.events.envelope import Event
from chassis.events.topics import USERS
from services.auth.store.accounts import AccountStore
from services.auth.usecases.follow_profile import follow_profile

TOPICS = (USERS,)


def handlers(accounts: AccountStore) -> Mapping[type[Message], Handler]:
    """One handler for each type of event."""

    async def profile_updated(event: Event, message: events_pb2.ProfileUpdated) -> None:
        try:
            account_id = UUID(event.subject)
        except ValueError:
            raise Permanent(f"{event.subject[:100]!r} is no id") from None
        await follow_profile(accounts, account_id, message.profile.name, event.sequence)

    return {events_pb2.ProfileUpdated: profile_updated}
