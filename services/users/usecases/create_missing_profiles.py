"""Create the profiles that accounts should have had."""

from collections.abc import Iterable

from chassis.clock import Clock
from services.users.domain.profile import NewProfile
from services.users.store.profiles import ProfileStore
from services.users.usecases.create_profile import create_profile


async def create_missing_profiles(store: ProfileStore, clock: Clock, told: Iterable[NewProfile]) -> int:
    """Create those of these profiles that there are not, as if their accounts were new. Returns how many."""
    accounts = {new.id: new for new in told}
    missing = await store.missing(list(accounts))
    for profile_id in missing:
        await create_profile(store, clock, accounts[profile_id])
    return len(missing)
