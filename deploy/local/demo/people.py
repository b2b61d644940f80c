"""Realistic people and tasks, the same in every run but for the addresses."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from faker import Faker

TASKS = 50
DUE_SOON = 5
"""So many of a person's tasks are due within a day, and so many are done, changed or deleted."""
COMPLETED, CHANGED, DELETED = 10, 5, 5
PRIORITIES = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who registers."""

    name: str
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class NewTask:
    """What a person wants to do."""

    title: str
    description: str
    priority: str
    due: datetime

    def body(self) -> dict[str, str]:
        """As the API takes it."""
        return {
            "title": self.title,
            "description": self.description,
            "priority": self.priority,
            "dueDate": self.due.isoformat(),
        }


class Cast:
    """Makes people and their tasks. `run` makes the addresses of one run its own."""

    def __init__(self, run: str, seed: int = 2024) -> None:
        self._fake, self._run = Faker(), run
        self._fake.seed_instance(seed)

    def person(self) -> Person:
        """Somebody new."""
        first, last = self._fake.first_name(), self._fake.last_name()
        email = f"{first}.{last}.{self._run}@example.com".lower()
        return Person(f"{first} {last}", email, self._fake.password(length=20))

    def tasks(self) -> list[NewTask]:
        """50 tasks; the first 5 are due within a day, the others later."""
        now = datetime.now(UTC)
        return [self._task(number, now) for number in range(TASKS)]

    def _task(self, number: int, now: datetime) -> NewTask:
        away = timedelta(hours=2 + number) if number < DUE_SOON else timedelta(days=2 + number)
        return NewTask(
            title=f"{self._fake.bs().capitalize()} for {self._fake.company()}"[:200],
            description=self._fake.paragraph(nb_sentences=4),
            priority=PRIORITIES[number % len(PRIORITIES)],
            due=now + away,
        )
