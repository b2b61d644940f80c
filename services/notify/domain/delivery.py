"""A mail as durable work: queued → sending → sent | failed, and back to queued when the server could not take it.

An attempt is counted before it is made, and holds the delivery for a lease only: whoever crashes in the middle leaves
it to another, who sends under the same Message-ID. So a mail is sent at least once, and doubled only by a crash between
the server's answer and our record of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from services.notify.domain.derivation import derived_id
from services.notify.domain.texts import person

NO_ATTEMPTS_LEFT = "no attempts left"


class State(Enum):
    """Where a delivery stands. The value is what is stored."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Template(Enum):
    """Which mail it is. The value is the folder of its texts."""

    WELCOME = "welcome"


@dataclass(kw_only=True)
class Delivery:
    """One mail to one person. `due_at` is when it may be taken up: the next attempt, or the end of the lease of the
    one under way; None once it has ended. `version` counts the saves and is moved by the store alone."""

    id: UUID
    owner_id: UUID
    template: Template
    recipient: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    message_id: str
    traceparent: str
    created_at: datetime
    due_at: datetime | None
    state: State = State.QUEUED
    attempts: int = 0
    error: str = ""
    ended_at: datetime | None = None
    version: int = 0

    @classmethod
    def welcome(
        cls, event_id: UUID, owner_id: UUID, name: str, recipient: str, domain: str, traceparent: str, at: datetime
    ) -> "Delivery":
        """The mail to a person who has registered; `domain` is the sender's."""
        id = derived_id("welcome-mail", event_id)
        return cls(
            id=id,
            owner_id=owner_id,
            template=Template.WELCOME,
            recipient=recipient,
            values={"name": person(name)},
            message_id=f"<{id}@{domain}>",
            traceparent=traceparent,
            created_at=at,
            due_at=at,
        )

    @property
    def under_way(self) -> bool:
        """Whether an attempt is being made."""
        return self.state is State.SENDING

    def begin(self, now: datetime, lease: timedelta, most: int) -> None:
        """Take it up for one attempt of at most `lease`; after the `most`th there is none, and it has failed."""
        if self.attempts >= most:
            self.fail(now, self.error or NO_ATTEMPTS_LEFT)
            return
        self.state, self.attempts, self.due_at = State.SENDING, self.attempts + 1, now + lease

    def sent(self, now: datetime) -> None:
        """The server took it over."""
        self._end(State.SENT, now, "")

    def defer(self, now: datetime, error: str, seconds: float, most: int) -> None:
        """The attempt failed in a way that may pass: the next one is `seconds` from now, unless this was the last."""
        if self.attempts >= most:
            self.fail(now, error)
            return
        self.state, self.error, self.due_at = State.QUEUED, error, now + timedelta(seconds=seconds)

    def fail(self, now: datetime, error: str) -> None:
        """It cannot be delivered."""
        self._end(State.FAILED, now, error)

    def _end(self, state: State, now: datetime, error: str) -> None:
        self.state, self.error, self.due_at, self.ended_at = state, error, None, now
