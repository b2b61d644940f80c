"""How a person looks through their tasks: which, in what order, what of them, and which page."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from services.tasks.domain.values import OwnerId, Priority, Status, TaskId

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_SKIP = 10_000


class SortField(StrEnum):
    """What tasks can be sorted by. A task without a due time counts as the latest due."""

    CREATE_TIME = "create_time"
    UPDATE_TIME = "update_time"
    DUE_TIME = "due_time"
    PRIORITY = "priority"
    TITLE = "title"


_SORT_FIELDS = frozenset(field.value for field in SortField)


@dataclass(frozen=True, slots=True)
class Order:
    """An order of tasks. Among equals the id decides, in the same direction, so that every order is total."""

    field: SortField = SortField.CREATE_TIME
    descending: bool = True

    @classmethod
    def parse(cls, text: str) -> "Order":
        """The order of an `order_by` (AIP-132) with one field. Raises ValueError."""
        match text.split():
            case []:
                return cls()
            case [name] if name in _SORT_FIELDS:
                return cls(SortField(name), descending=False)
            case [name, "desc"] if name in _SORT_FIELDS:
                return cls(SortField(name), descending=True)
        raise ValueError(f"must be one of {', '.join(SortField)}, with ' desc' for the other direction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of tasks, over all its pages. No status, no priority: any; no fields: all."""

    order: Order = Order()
    status: Status | None = None
    priority: Priority | None = None
    fields: frozenset[str] = frozenset()


SortValue = datetime | int | str


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an order: right after the task of that id, which had that value in the field of the order."""

    value: SortValue
    id: TaskId


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list: `size` tasks after a position, or after so many tasks."""

    size: int = DEFAULT_PAGE_SIZE
    after: Position | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task as a list shows it: a field that was not asked for is None."""

    id: TaskId
    owner_id: OwnerId | None
    title: str | None
    description: str | None
    status: Status | None
    priority: Priority | None
    due_time: datetime | None
    create_time: datetime | None
    update_time: datetime | None
    complete_time: datetime | None
    etag: str | None


READABLE = tuple(field.name for field in fields(TaskView))


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, where the next one begins (None: this was the last), and how many tasks the list has."""

    tasks: tuple[TaskView, ...]
    following: Position | None
    total: int
