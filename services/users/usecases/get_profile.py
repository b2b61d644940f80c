"""Get a profile."""

from uuid import UUID

from services.users.domain.profile import Profile
from services.users.domain.reader import Reader
from services.users.store.profiles import ProfileStore


async def get_profile(store: ProfileStore, reader: Reader, profile_id: UUID) -> Profile:
    """The profile. Raises NotFound when there is none, or none that the reader may see."""
    reader.require(profile_id)
    return await store.read(profile_id)
