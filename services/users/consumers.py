"""The events that the users service reacts to."""

from collections.abc import Mapping

from google.protobuf.message import Message
from primetrade.auth.v1 import events_pb2

from chassis.clock import Clock
from chassis.errors import Invalid
from chassis.events.consumer import Handler, Permanent
from chassis.events.envelope import Event
from chassis.events.topics import AUTH
from services.users.mapping.requests import new_profile_of
from services.users.store.profiles import ProfileStore
from services.users.usecases.create_profile import create_profile

TOPICS = (AUTH,)


def handlers(store: ProfileStore, clock: Clock) -> Mapping[type[Message], Handler]:
    """One handler for each type of event."""

    async def account_registered(_: Event, message: events_pb2.AccountRegistered) -> None:
        try:
            new = new_profile_of(message.account)
        except Invalid as error:
            raise Permanent(f"no profile can be made of this account: {error}") from None
        await create_profile(store, clock, new)

    return {events_pb2.AccountRegistered: account_registered}
