"""Register an account."""

from dataclasses import dataclass

from chassis.clock import Clock, random_id
from services.auth.crypto.passwords import Passwords
from services.auth.domain.account import Account
from services.auth.domain.registration import Registration
from services.auth.profiles import Profiles
from services.auth.store.accounts import AccountStore
from services.auth.usecases.start_session import StartSession, Tokens


@dataclass(frozen=True, slots=True)
class RegisterAccount:
    """Accounts are durable with their event before anything else is asked of anybody."""

    accounts: AccountStore
    passwords: Passwords
    start_session: StartSession
    profiles: Profiles
    clock: Clock

    async def __call__(self, name: str, email: str, password: str) -> tuple[Account, Tokens]:
        """A new account and its first session.

        Raises Invalid with every violated field, AlreadyExists when the address is registered. The profile is there
        when this returns, unless users is away: then the event brings it.
        """
        registration = Registration.of(name, email, password)
        password_hash = await self.passwords.hash(registration.password)
        account = Account.register(random_id(), registration.name, registration.email, password_hash, self.clock.now())
        await self.accounts.insert(account)
        tokens = await self.start_session(account)
        await self.profiles.create(account)
        return account, tokens
