"""A profile: a person as others may see them."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Aggregate
from chassis.text import is_blank

NAME_CHARACTERS = 100
EMAIL_CHARACTERS = 254
# Unicode's category Cc (C0, DEL, C1), and the separators of lines and paragraphs.
_REFUSED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

RESOURCE = "profile"
"""What errors call it."""
CHANGEABLE = ("name",)
"""The fields that a person may change."""


@dataclass(frozen=True, slots=True)
class ProfileCreated:
    """A profile was created."""


@dataclass(frozen=True, slots=True)
class ProfileUpdated:
    """The named fields of a profile were changed."""

    changed: tuple[str, ...]


ProfileEvent = ProfileCreated | ProfileUpdated


def profile_name(text: str) -> str:
    """A name: one trimmed line of 1 to 100 characters, one visible. Raises ValueError saying what it must be."""
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= NAME_CHARACTERS:
        raise ValueError(f"must have 1 to {NAME_CHARACTERS} characters")
    if _REFUSED.search(trimmed):
        raise ValueError("must not contain control characters")
    if is_blank(trimmed):
        raise ValueError("must have a visible character")
    return trimmed


def profile_email(text: str) -> str:
    """An address as auth has checked it. Raises ValueError when it cannot be one."""
    if not 3 <= len(text) <= EMAIL_CHARACTERS or "@" not in text or _REFUSED.search(text):
        raise ValueError("must be an email address")
    return text


@dataclass(frozen=True, slots=True)
class NewProfile:
    """What an account's registration tells of its person."""

    id: UUID
    name: str
    email: str
    roles: tuple[str, ...]
    registered_at: datetime


@dataclass(kw_only=True)
class Profile(Aggregate[ProfileEvent]):
    """The profile of one account, under the account's id. `created_at` is when the account was registered."""

    id: UUID
    name: str
    email: str
    roles: tuple[str, ...]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def create(cls, new: NewProfile, at: datetime) -> "Profile":
        """The profile of a new account."""
        profile = cls(
            id=new.id, name=new.name, email=new.email, roles=new.roles, created_at=new.registered_at, updated_at=at
        )
        profile._record(ProfileCreated())
        return profile

    def rename(self, name: str, at: datetime) -> None:
        """Take another name; the same one again is no change."""
        if name == self.name:
            return
        self.name, self.updated_at = name, at
        self._record(ProfileUpdated(("name",)))
