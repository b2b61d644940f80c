"""Who may see which profiles."""

from dataclasses import dataclass
from uuid import UUID

from chassis.errors import NotFound
from services.users.domain.profile import RESOURCE


@dataclass(frozen=True, slots=True)
class Reader:
    """A caller: by subject, and whether every profile is open to them, as to services and operators."""

    subject: str
    reads_all: bool

    def require(self, profile_id: UUID) -> None:
        """Raise NotFound unless the profile is the reader's own, or all are open to them."""
        if not self.reads_all:
            self.require_own(profile_id)

    def require_own(self, profile_id: UUID) -> None:
        """Raise NotFound unless the profile is the caller's own."""
        if self.subject != str(profile_id):
            raise NotFound(RESOURCE, str(profile_id))
