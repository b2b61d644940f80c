"""Pages of many tasks with many ties: every order shows every task once, by cursor and by offset alike."""

import asyncio
import random
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.tasks.v1 import tasks_pb2

from chassis.errors import Invalid
from services.tasks.tests.wire import Person, Service

TASKS = 97
ORDERS = [
    f"{field}{direction}"
    for field in ("create_time", "update_time", "due_time", "priority", "title")
    for direction in ("", " desc")
]
FILTERS: list[dict[str, Any]] = [
    {},
    {"status": tasks_pb2.TASK_STATUS_PENDING},
    {"priority": tasks_pb2.TASK_PRIORITY_LOW},
    {"status": tasks_pb2.TASK_STATUS_COMPLETED, "priority": tasks_pb2.TASK_PRIORITY_HIGH},
]
LATEST = datetime(9999, 12, 31, tzinfo=UTC)


@pytest.fixture(scope="module")
async def hoarder(service: Service) -> Person:
    """Somebody with many tasks, few titles and few due times, some tasks completed and some deleted."""
    chance, person = random.Random(20), service.person()

    async def create() -> str:
        due = chance.choice((None, None, Timestamp(seconds=0), Timestamp(seconds=1_900_000_000, nanos=5_000_000)))
        task = await person.create(
            chance.choice(("a", "B", "ä", "zz", "🦊")), due_time=due, status=chance.randint(1, 3),
            priority=chance.randint(1, 3),
        )  # fmt: skip
        return task.id

    # In groups at once, so that several tasks are created in the same millisecond.
    ids = [task_id for _ in range(11) for task_id in await asyncio.gather(*(create() for _ in range(10)))]
    for task_id in chance.sample(ids, len(ids) - TASKS):
        await person.delete(task_id)
    return person


async def everything(person: Person, size: int, **arguments: Any) -> list[tasks_pb2.Task]:
    """All tasks of a list, page by page, by cursor."""
    seen: list[tasks_pb2.Task] = []
    token = ""
    while True:
        page = await person.list(page_size=size, page_token=token, **arguments)
        seen += page.tasks
        assert len(page.tasks) == size or not page.next_page_token
        if not (token := page.next_page_token):
            assert page.total_size == len(seen)
            return seen


def place(task: tasks_pb2.Task, field: str) -> tuple[Any, str]:
    """Where a task stands in an order, ascending."""
    if field == "due_time" and not task.HasField("due_time"):
        return LATEST, task.id
    value = getattr(task, field)
    return (value.ToDatetime(UTC) if isinstance(value, Timestamp) else value), task.id


def matches(task: tasks_pb2.Task, wanted: dict[str, Any]) -> bool:
    return all(getattr(task, field) == value for field, value in wanted.items())


@pytest.fixture(scope="module")
async def every(hoarder: Person) -> list[tasks_pb2.Task]:
    """All the hoarder's tasks, newest first."""
    tasks = await everything(hoarder, 100)
    assert len(tasks) == TASKS
    return tasks


@pytest.mark.parametrize("wanted", FILTERS)
@pytest.mark.parametrize("order", ORDERS)
async def test_every_order_shows_every_task_once(
    hoarder: Person, every: list[tasks_pb2.Task], order: str, wanted: dict[str, Any]
) -> None:
    field, _, direction = order.partition(" ")
    expected = sorted(
        (task for task in every if matches(task, wanted)), key=lambda task: place(task, field), reverse=bool(direction)
    )
    for size in (19, 64):
        assert await everything(hoarder, size, order_by=order, **wanted) == expected
    skipped = await hoarder.list(page_size=40, skip=20, order_by=order, **wanted)
    assert list(skipped.tasks) == expected[20:60]
    assert skipped.total_size == len(expected)


async def test_a_list_is_newest_first_and_twenty_long_unless_told(hoarder: Person) -> None:
    page = await hoarder.list()
    assert (len(page.tasks), page.total_size) == (20, TASKS)
    assert page == await hoarder.list(page_size=20, order_by="create_time desc")
    assert page == await hoarder.list(order_by="  create_time   desc ")
    assert all(place(one, "create_time") > place(next_, "create_time") for one, next_ in pairwise(page.tasks))


async def test_a_list_begun_by_offset_goes_on_by_cursor(hoarder: Person) -> None:
    every = await everything(hoarder, 100, order_by="title")
    page = await hoarder.list(page_size=10, skip=65, order_by="title")
    rest = await hoarder.list(page_size=100, page_token=page.next_page_token, order_by="title")
    assert [*page.tasks, *rest.tasks] == every[65:]
    assert not rest.next_page_token
    beyond = await hoarder.list(skip=10_000)
    assert (len(beyond.tasks), beyond.next_page_token, beyond.total_size) == (0, "", TASKS)


async def test_a_task_without_a_due_time_is_the_latest_due_and_shows_none(hoarder: Person) -> None:
    latest = (await hoarder.list(order_by="due_time desc")).tasks
    assert not any(task.HasField("due_time") for task in latest)


async def test_a_read_mask_shows_the_id_and_what_it_names(hoarder: Person) -> None:
    for order in ("", "title", "due_time desc"):
        whole = await hoarder.list(order_by=order)
        part = await hoarder.list(order_by=order, read_mask=FieldMask(paths=["priority", "etag"]))
        assert list(part.tasks) == [
            tasks_pb2.Task(id=task.id, priority=task.priority, etag=task.etag) for task in whole.tasks
        ]
        assert part.total_size == whole.total_size
    every_field = FieldMask(paths=[field.name for field in tasks_pb2.Task.DESCRIPTOR.fields])
    assert (await hoarder.list(read_mask=every_field)).tasks == (await hoarder.list()).tasks


@pytest.mark.parametrize(
    "changed",
    [
        {"order_by": "title"},
        {"order_by": "due_time desc"},
        {"order_by": "due_time", "status": tasks_pb2.TASK_STATUS_PENDING},
        {"order_by": "due_time", "priority": tasks_pb2.TASK_PRIORITY_LOW},
        {"order_by": "due_time", "read_mask": FieldMask(paths=["title"])},
        {},
    ],
)
async def test_a_token_is_good_for_its_own_list_only(hoarder: Person, changed: dict[str, Any]) -> None:
    token = (await hoarder.list(page_size=3, order_by="due_time")).next_page_token
    with pytest.raises(Invalid) as refused:
        await hoarder.list(page_token=token, **changed)
    assert [violation.field for violation in refused.value.violations] == ["page_token"]
    assert (await hoarder.list(page_size=9, order_by="due_time", page_token=token)).tasks


async def test_a_cursor_neither_repeats_nor_omits_what_stays_while_tasks_come_and_go(ada: Person) -> None:
    ids = [(await ada.create("same")).id for _ in range(12)]
    seen: list[str] = []
    token = ""
    while True:
        page = await ada.list(page_size=3, order_by="title", page_token=token)
        seen += [task.id for task in page.tasks]
        if not (token := page.next_page_token):
            break
        # The last shown and one already shown go; one comes that sorts before all that was shown.
        await ada.delete(seen[-1])
        await ada.create("a first")
    assert seen == ids
