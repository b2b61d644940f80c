"""Change one's profile."""

from uuid import UUID

from chassis.clock import Clock
from chassis.events.publishing.races import retrying
from services.users.domain.profile import RESOURCE, Profile
from services.users.domain.reader import Reader
from services.users.store.profiles import ProfileStore


async def update_profile(
    store: ProfileStore, clock: Clock, caller: Reader, profile_id: UUID, name: str, etag: str
) -> Profile:
    """The profile under its new name; the name it has already changes nothing and publishes nothing.

    Raises NotFound for a profile that is not the caller's, VersionMismatch when `etag` is given and not current.
    """
    caller.require_own(profile_id)

    async def change() -> Profile:
        profile = await store.load(profile_id)
        profile.require_etag(etag, RESOURCE, str(profile_id))
        profile.rename(name, clock.now())
        await store.save(profile)
        return profile

    return await (change() if etag else retrying(change, profile_id))
