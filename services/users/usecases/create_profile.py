"""Create the profile of a new account."""

from chassis.clock import Clock
from chassis.errors import AlreadyExists
from services.users.domain.profile import NewProfile, Profile
from services.users.store.profiles import ProfileStore


async def create_profile(store: ProfileStore, clock: Clock, new: NewProfile) -> Profile:
    """The account's profile, created by whoever asks first; as it stands for everybody after."""
    profile = Profile.create(new, clock.now())
    try:
        await store.insert(profile)
    except AlreadyExists:
        return await store.read(new.id)
    return profile
