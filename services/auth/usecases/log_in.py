"""Log in with a password."""

from dataclasses import dataclass
from uuid import UUID

from chassis.clock import Clock
from chassis.errors import Invalid, Unauthenticated, Violation
from chassis.events.publishing.races import retrying
from services.auth.crypto.passwords import Passwords
from services.auth.domain.account import Account
from services.auth.domain.registration import login_address
from services.auth.store.accounts import AccountStore
from services.auth.store.failed_logins import FailedLoginStore
from services.auth.usecases.start_session import StartSession, Tokens

REFUSED = "the email address or the password is wrong"


@dataclass(frozen=True, slots=True)
class LogIn:
    """Never tells whether an address is registered, nor whether it is locked: same answer, same work."""

    accounts: AccountStore
    failed_logins: FailedLoginStore
    passwords: Passwords
    start_session: StartSession
    clock: Clock

    async def __call__(self, email: str, password: str) -> tuple[Account, Tokens]:
        """The account and a new session. Raises Invalid when either is left out, Unauthenticated when they are wrong.

        The lock is looked at after the password: however many guesses are made at once, only those that were being
        hashed when the last allowed one failed are answered by the password.
        """
        _require(email=email, password=password)
        address = login_address(email)
        account = await self.accounts.of_address(address)
        verdict = await self.passwords.verify(password, account.password_hash if account else None)
        failed = await self.failed_logins.of_address(address)
        if account is None or not verdict.right or failed.locked(self.clock.now()):
            await self.failed_logins.count(address)
            raise Unauthenticated(REFUSED)
        if failed.count:
            await self.failed_logins.forget(address)
        if verdict.renewed is not None:
            await self._rehash(account.id, account.password_hash, verdict.renewed)
        return account, await self.start_session(account)

    async def _rehash(self, account_id: UUID, verified: str, renewed: str) -> None:
        async def rehash() -> None:
            account = await self.accounts.to_change(account_id)
            account.rehash(verified, renewed)
            await self.accounts.save(account)

        await retrying(rehash, account_id)


def _require(**fields: str) -> None:
    if missing := [Violation(name, "is required") for name, value in fields.items() if not value]:
        raise Invalid(missing)
