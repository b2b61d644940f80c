"""What is there when all is quiet: documents, records, mails, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

POISON_HEADER = "chaos-poison"
"""A record of the chaos tests' own carries it, with a number of its own."""
GROUPS_HEADER = "chaos-groups"
"""The services, separated by commas, whose consumers have to put that record aside."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An aggregate's document. `collection` is database.collection; `pending` counts its unpublished events."""

    collection: str
    id: str
    version: int
    sequence: int
    pending: int
    deleted: bool
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic. Headers that are not UTF-8 are written with escapes."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    value: bytes

    @property
    def place(self) -> str:
        """Where it is: topic[partition]@offset."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    @property
    def poison(self) -> str:
        """The number of this poison; empty for what the suite wrote itself."""
        return self.headers.get(POISON_HEADER, "")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that the server has kept."""

    message_id: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything the checker looks at. `reminders` maps a task's id to the sequence its projection has reached."""

    documents: Sequence[Stored]
    records: Sequence[Record]
    letters: Sequence[Record]
    reminders: Mapping[str, int]
    mails: Sequence[Mail]

    def of(self, collection: str) -> dict[str, Stored]:
        """The documents of a collection by id."""
        return {document.id: document for document in self.documents if document.collection == collection}
