"""Requests → the domain. Each raises Invalid with every violated field of the request at once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.tasks.v1 import tasks_pb2

from chassis.checks import Checks
from chassis.claims import request_id
from chassis.errors import NotFound
from services.tasks.domain.listing import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    MAX_SKIP,
    READABLE,
    Listing,
    Order,
    PageRequest,
    Position,
)
from services.tasks.domain.task import REVISABLE, UNCHANGED, Draft, Revision, Unchanged
from services.tasks.domain.values import Priority, Status, TaskId, description, due_time, title
from services.tasks.mapping.messages import PRIORITIES, STATUSES
from services.tasks.mapping.page_token import position_of

T = TypeVar("T")
V = TypeVar("V")

UUID_CHARACTERS = 36
_STATUS_OF: Mapping[int, Status] = {number: status for status, number in STATUSES.items()}
_PRIORITY_OF: Mapping[int, Priority] = {number: priority for priority, number in PRIORITIES.items()}


def task_id_of(text: str) -> TaskId:
    """The id of a task. Raises NotFound: no task is named by anything but a UUID in its usual form."""
    try:
        value = UUID(text)
    except ValueError:
        value = None
    if value is None or str(value) != text.lower():
        # Cut: errors travel in headers, which have little room.
        raise NotFound("task", text[:UUID_CHARACTERS])
    return TaskId(value)


def draft_of(request: tasks_pb2.CreateTaskRequest) -> Draft:
    """What to create. What only the server decides is passed over (AIP-203)."""
    task = request.task
    with Checks() as check:
        check("request_id", request_id, request.request_id)
        return Draft(
            title=check("title", title, task.title),
            description=check("description", description, task.description),
            status=check("status", _status_or_default, task.status),
            priority=check("priority", _priority_or_default, task.priority),
            due_time=check("due_time", _due_time, task),
        )


def revision_of(request: tasks_pb2.UpdateTaskRequest) -> Revision:
    """What to change: the fields that the mask names, and only these are checked."""
    task, paths = request.task, request.update_mask.paths
    with Checks() as check:

        def named(field: str, rule: Callable[[V], T], value: V) -> T | Unchanged:
            return check(field, rule, value) if field in paths else UNCHANGED

        check("update_mask", _revisable, paths)
        return Revision(
            title=named("title", title, task.title),
            description=named("description", description, task.description),
            status=named("status", _status_or_default, task.status),
            priority=named("priority", _priority_or_default, task.priority),
            due_time=named("due_time", _due_time, task),
        )


def completion_of(request: tasks_pb2.CompleteTaskRequest) -> TaskId:
    """What to complete. Raises as `task_id_of`."""
    with Checks() as check:
        check("request_id", request_id, request.request_id)
        return task_id_of(request.id)


def listing_of(request: tasks_pb2.ListTasksRequest) -> tuple[Listing, PageRequest]:
    """Which list, and which page of it."""
    with Checks() as check:
        listing = Listing(
            order=check("order_by", Order.parse, request.order_by),
            status=check("status", _status, request.status),
            priority=check("priority", _priority, request.priority),
            fields=check("read_mask", _readable, request.read_mask.paths),
        )
        size = check("page_size", _page_size, request.page_size)
        skip = check("skip", _skip, request)
    with Checks() as check:
        # Only a list without violations can tell whether a token was made for it.
        after = check("page_token", _position_in(listing), request.page_token)
    return listing, PageRequest(size, after, skip)


def _status(number: int) -> Status | None:
    return _enum(number, _STATUS_OF)


def _priority(number: int) -> Priority | None:
    return _enum(number, _PRIORITY_OF)


def _status_or_default(number: int) -> Status:
    return _status(number) or Status.PENDING


def _priority_or_default(number: int) -> Priority:
    return _priority(number) or Priority.MEDIUM


def _enum(number: int, known: Mapping[int, T]) -> T | None:
    if number and number not in known:
        raise ValueError(f"must be one of the numbers {', '.join(map(str, known))}")
    return known.get(number)


def _due_time(task: tasks_pb2.Task) -> datetime | None:
    return due_time(_instant(task.due_time)) if task.HasField("due_time") else None


def _instant(timestamp: Timestamp) -> datetime:
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a valid timestamp") from None


def _revisable(paths: Sequence[str]) -> None:
    if not paths or set(paths).difference(REVISABLE):
        raise ValueError(f"must name at least one of {', '.join(REVISABLE)}, and nothing else")


def _readable(paths: Sequence[str]) -> frozenset[str]:
    if set(paths).difference(READABLE):
        raise ValueError(f"must name none but {', '.join(READABLE)}")
    return frozenset(paths)


def _page_size(size: int) -> int:
    # AIP-158 would coerce a size above the maximum; refusing it tells the client that it asked for something else.
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise ValueError(f"must be from 1 to {MAX_PAGE_SIZE}, or 0 for {DEFAULT_PAGE_SIZE}")
    return size or DEFAULT_PAGE_SIZE


def _skip(request: tasks_pb2.ListTasksRequest) -> int:
    if request.skip and request.page_token:
        raise ValueError("must not be given together with page_token")
    if not 0 <= request.skip <= MAX_SKIP:
        raise ValueError(f"must be from 0 to {MAX_SKIP:,}")
    return request.skip


def _position_in(listing: Listing) -> Callable[[str], Position | None]:
    return lambda token: position_of(listing, token) if token else None
