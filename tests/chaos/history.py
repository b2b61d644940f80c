"""What the clients tried, and what they were told: one line of a journal for each attempt at a write."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from typing import TextIO


class Verb(Enum):
    """The writes of the load."""

    REGISTER = "register"
    LOGIN = "log in"
    LOGOUT = "log out"
    RENAME = "rename"
    CREATE = "create"
    CHANGE = "change"
    COMPLETE = "complete"
    DELETE = "delete"
    MARK = "mark as read"


class Outcome(Enum):
    """What an answer promises."""

    ACKNOWLEDGED = "acknowledged"
    """It has happened, durably."""
    REFUSED = "refused"
    """It has not happened and will not: a 4xx, or no connection was made."""
    UNKNOWN = "unknown"
    """It may have happened, may happen later, or never: a 5xx, a timeout, a connection that broke."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a write. `began` and `ended` are seconds of one clock.

    `subject` is the id of the aggregate; empty where the answer would have told it and did not come. `marker` is a text
    that no other attempt of the run writes: the title, name or address by which the write is found again.
    """

    verb: Verb
    subject: str
    marker: str
    began: float
    ended: float
    outcome: Outcome
    answer: str

    def before(self, other: "Attempt") -> bool:
        """Whether this write was acknowledged before the other was begun, so that it must come first."""
        return self.outcome is Outcome.ACKNOWLEDGED and self.ended < other.began

    def __str__(self) -> str:
        name = f"{self.verb.value} {self.subject or '?'} {self.marker}".strip()
        return f"{name} ({self.began:.3f}-{self.ended:.3f} s: {self.outcome.value}, {self.answer})"


class History:
    """Every attempt of a run, written to a journal as it ends."""

    def __init__(self, attempts: Iterable[Attempt] = (), journal: TextIO | None = None) -> None:
        self._attempts, self._journal = list(attempts), journal

    def add(self, attempt: Attempt) -> None:
        """Keep one more."""
        self._attempts.append(attempt)
        if self._journal is not None:
            print(_line(attempt), file=self._journal, flush=True)

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self._attempts)

    def count(self, outcome: Outcome) -> int:
        """How many ended so."""
        return sum(attempt.outcome is outcome for attempt in self._attempts)


def _line(attempt: Attempt) -> str:
    return json.dumps({**asdict(attempt), "verb": attempt.verb.value, "outcome": attempt.outcome.value})
