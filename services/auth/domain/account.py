"""An account: an address, a password's hash, and the name its person goes by."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Aggregate

USER_ROLES = ("user",)


@dataclass(frozen=True, slots=True)
class AccountRegistered:
    """An account was registered."""


@dataclass(kw_only=True)
class Account(Aggregate[AccountRegistered]):
    """Who may log in. `profile_sequence` numbers the last event of the profile that `name` comes from."""

    id: UUID
    name: str
    email: str
    roles: tuple[str, ...]
    password_hash: str = field(repr=False)
    created_at: datetime
    profile_sequence: int = 0

    @classmethod
    def register(cls, account_id: UUID, name: str, email: str, password_hash: str, at: datetime) -> "Account":
        """A new account, with the role of a person."""
        account = cls(
            id=account_id, name=name, email=email, roles=USER_ROLES, password_hash=password_hash, created_at=at
        )
        account._record(AccountRegistered())
        return account

    def follow_profile(self, name: str, sequence: int) -> None:
        """Take the name that the profile has since its event of that number; an older one changes nothing."""
        if sequence > self.profile_sequence:
            self.name, self.profile_sequence = name, sequence

    def rehash(self, verified: str, renewed: str) -> None:
        """Replace the hash a password was verified against, unless the password was changed meanwhile."""
        if self.password_hash == verified:
            self.password_hash = renewed
