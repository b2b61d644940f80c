"""The events that the users service reacts to."""

from collections.abc import Mapping
from contextlib import suppress

from google.protobuf.message import Message
from primetrade.auth.v1.events_pb2 import AccountRegistered
from primetrade.users.v1.events_pb2 import ProfileCreated, ProfileUpdated

from chassis.clock import Clock
from chassis.errors import Invalid
from chassis.events.consuming.consumer import Handler, Permanent
from chassis.events.envelope import Event
from chassis.events.topics import AUTH
from services.users.mapping.requests import new_profile_of, profile_of
from services.users.store.cache import ProfileCache
from services.users.store.profiles import ProfileStore
from services.users.usecases.create_profile import create_profile

TOPICS = (AUTH,)


def handlers(store: ProfileStore, clock: Clock) -> Mapping[type[Message], Handler]:
    """One handler for each type of event."""

    async def account_registered(_: Event, message: AccountRegistered) -> None:
        try:
            new = new_profile_of(message.account)
        except Invalid as error:
            raise Permanent(f"no profile can be made of this account: {error}") from None
        await create_profile(store, clock, new)

    return {AccountRegistered: account_registered}


def cached(cache: ProfileCache) -> Mapping[type[Message], Handler]:
    """What each process does with the profile events of all of them: its cache has the newest state told."""

    async def profile_changed(_: Event, message: ProfileCreated | ProfileUpdated) -> None:
        # What is no profile by our rules is no news of one.
        with suppress(ValueError):
            await cache.put(profile_of(message.profile))

    return {ProfileCreated: profile_changed, ProfileUpdated: profile_changed}
