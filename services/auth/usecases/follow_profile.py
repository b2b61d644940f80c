"""Follow a person's profile: an account shows the name that its person chose."""

from uuid import UUID

from chassis.errors import NotFound
from chassis.events.publishing.outbox import retrying
from services.auth.store.accounts import AccountStore


async def follow_profile(accounts: AccountStore, account_id: UUID, name: str, sequence: int) -> None:
    """Take the name over from the profile's event of that number, in any order and any number of times.

    A profile without an account is none of ours.
    """

    async def follow() -> None:
        try:
            account = await accounts.to_change(account_id)
        except NotFound:
            return
        account.follow_profile(name, sequence)
        await accounts.save(account)

    await retrying(follow)
