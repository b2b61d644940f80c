"""Follow a person's profile: an account shows the name that its person chose."""

from uuid import UUID

from chassis.errors import NotFound
from chassis.events.consuming.failures import Superseded
from chassis.events.publishing.races import retrying
from services.auth.store.accounts import AccountStore


async def follow_profile(accounts: AccountStore, account_id: UUID, name: str, sequence: int) -> None:
    """Take the name over from the profile's event of that number, in any order and any number of times.

    A profile without an account is none of ours. Raises Superseded when a later event of the profile is known.
    """

    async def follow() -> None:
        try:
            account = await accounts.to_change(account_id)
        except NotFound:
            return
        if account.profile_sequence > sequence:
            raise Superseded(f"account {account_id} follows event {account.profile_sequence} of its profile")
        account.follow_profile(name, sequence)
        await accounts.save(account)

    await retrying(follow, account_id)
