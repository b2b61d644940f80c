"""The life of a task, as its owner sees it."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.tasks.v1 import tasks_pb2

from chassis.errors import NotFound
from services.tasks.tests.wire import Person, timestamp


async def test_a_task_is_created_read_changed_completed_and_deleted(ada: Person) -> None:
    due = timestamp("2031-05-01T12:30:00.250+02:00")
    created = await ada.create(
        "  Plan the trip  ",
        description="tickets\r\n\thotel\n",
        status=tasks_pb2.TASK_STATUS_IN_PROGRESS,
        priority=tasks_pb2.TASK_PRIORITY_HIGH,
        due_time=due,
    )
    assert (created.title, created.description) == ("Plan the trip", "tickets\n\thotel")
    assert (created.status, created.priority) == (tasks_pb2.TASK_STATUS_IN_PROGRESS, tasks_pb2.TASK_PRIORITY_HIGH)
    assert (created.due_time, created.owner_id) == (due, ada.id)
    assert created.create_time == created.update_time
    assert await ada.get(created.id) == created

    changed = await ada.update(created.id, title="Plan the journey", priority=tasks_pb2.TASK_PRIORITY_LOW)
    assert (changed.title, changed.priority) == ("Plan the journey", tasks_pb2.TASK_PRIORITY_LOW)
    assert changed.etag != created.etag
    assert changed.description == created.description
    assert await ada.get(created.id) == changed

    completed = await ada.complete(created.id)
    assert completed.status == tasks_pb2.TASK_STATUS_COMPLETED
    assert completed.complete_time == completed.update_time
    assert await ada.get(created.id) == completed

    await ada.delete(created.id)
    with pytest.raises(NotFound):
        await ada.get(created.id)
    with pytest.raises(NotFound):
        await ada.delete(created.id)
    assert (await ada.list()).total_size == 0


async def test_a_new_task_has_defaults_and_an_id_that_the_server_chose(ada: Person) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    task = await ada.create(
        "Water the plants",
        id="mine",
        owner_id="me",
        etag="7",
        create_time=Timestamp(seconds=1),
        complete_time=Timestamp(),
    )
    assert (task.status, task.priority) == (tasks_pb2.TASK_STATUS_PENDING, tasks_pb2.TASK_PRIORITY_MEDIUM)
    assert not task.HasField("due_time")
    assert not task.HasField("complete_time")
    assert task.id[14] == "7"
    assert task.owner_id == ada.id
    assert before <= task.create_time.ToDatetime(UTC) <= datetime.now(UTC)


async def test_a_named_field_that_is_unset_is_cleared_or_takes_its_default(ada: Person) -> None:
    task = await ada.create(
        description="soon",
        status=tasks_pb2.TASK_STATUS_COMPLETED,
        priority=tasks_pb2.TASK_PRIORITY_HIGH,
        due_time=timestamp("2031-01-01T00:00:00Z"),
    )
    cleared = await ada.update(task.id, mask=["description", "status", "priority", "due_time"])
    assert cleared.description == ""
    assert (cleared.status, cleared.priority) == (tasks_pb2.TASK_STATUS_PENDING, tasks_pb2.TASK_PRIORITY_MEDIUM)
    assert not cleared.HasField("due_time")
    assert not cleared.HasField("complete_time")
    assert await ada.get(task.id) == cleared


async def test_only_what_the_mask_names_is_changed(ada: Person) -> None:
    task = await ada.create(description="old")
    changed = await ada.update(task.id, mask=["title"], title="New", description="not named", status=99)
    assert (changed.title, changed.description, changed.status) == ("New", "old", task.status)


async def test_a_task_may_go_from_each_status_to_each(ada: Person) -> None:
    task = await ada.create()
    every = (tasks_pb2.TASK_STATUS_PENDING, tasks_pb2.TASK_STATUS_IN_PROGRESS, tasks_pb2.TASK_STATUS_COMPLETED)
    for start in every:
        for end in every:
            await ada.update(task.id, status=start)
            moved = await ada.update(task.id, status=end)
            assert moved.status == end
            assert moved.HasField("complete_time") == (end == tasks_pb2.TASK_STATUS_COMPLETED)


async def test_changing_nothing_keeps_the_etag_and_the_times(ada: Person) -> None:
    task = await ada.create(description="as it is", due_time=timestamp("2031-01-01T00:00:00Z"))
    same = await ada.update(
        task.id, mask=["title", "description", "due_time"], title=f" {task.title} ", description="as it is",
        due_time=Timestamp(seconds=task.due_time.seconds, nanos=999_999),
    )  # fmt: skip
    assert same == task
    completed = await ada.complete(task.id)
    assert await ada.complete(task.id) == completed
    assert await ada.get(task.id) == completed
