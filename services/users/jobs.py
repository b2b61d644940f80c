"""Work of the users service beside requests and events.

None of it is periodic: the relay (chassis/events/publishing/relay.py) sweeps the outbox and purges old tombstones.
"""

from primetrade.auth.v1.events_pb2 import AccountRegistered

from chassis.clock import Clock
from chassis.errors import Invalid
from chassis.events.envelope import Event, Undecodable
from chassis.events.replay import Replay, newest
from chassis.events.topics import AUTH
from services.users.domain.profile import NewProfile
from services.users.mapping.requests import new_profile_of
from services.users.settings import Settings
from services.users.store.profiles import ProfileStore
from services.users.usecases.create_missing_profiles import create_missing_profiles


async def missing_profiles(settings: Settings, store: ProfileStore, clock: Clock) -> int:
    """Read auth's topic from the start and create the profiles that its accounts lack. Returns how many."""
    made = 0
    async with Replay(settings, [AUTH]) as replay:
        async for events in replay.catch_up():
            told = [new for event in newest(events, [AccountRegistered]) if (new := _told(event)) is not None]
            made += await create_missing_profiles(store, clock, told)
    return made


def _told(event: Event) -> NewProfile | None:
    """What a registration tells of its person; None for one that the consumer has put aside, too."""
    try:
        message = event.message()
        return new_profile_of(message.account) if isinstance(message, AccountRegistered) else None
    except (Undecodable, Invalid):
        return None
