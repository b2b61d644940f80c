"""What the service tells the world: read from Kafka by a plain consumer that knows only the published contract."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from primetrade.tasks.v1 import events_pb2, tasks_pb2

from chassis.errors import Invalid
from services.tasks.tests.records import events_of, records_of
from services.tasks.tests.wire import Person, timestamp


async def test_a_created_task_is_told_as_promised(ada: Person) -> None:
    task = await ada.create("Feed the cat", description="twice", due_time=timestamp("2031-01-01T08:00:00Z"))
    (record,) = await records_of(ada.service, task.id, 1)
    assert record.key == task.id.encode()
    headers = {name: value.decode() for name, value in record.headers}
    assert len(headers) == len(record.headers)
    event_id, time, traceparent = headers.pop("ce_id"), headers.pop("ce_time"), headers.pop("ce_traceparent")
    assert UUID(event_id).version == 7
    assert abs((datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()) < 60
    assert headers.pop("traceparent") == traceparent
    assert headers == {
        "content-type": "application/protobuf",
        "ce_specversion": "1.0",
        "ce_source": "/primetrade/tasks",
        "ce_type": "primetrade.tasks.v1.TaskCreated",
        "ce_subject": task.id,
        "ce_dataschema": "https://type.googleapis.com/primetrade.tasks.v1.TaskCreated",
        "ce_sequence": "0000000001",
        "ce_sequencetype": "Integer",
        "ce_partitionkey": task.id,
        "ce_actor": ada.id,
    }
    assert events_pb2.TaskCreated.FromString(record.value) == events_pb2.TaskCreated(task=task)


async def test_the_events_of_a_life_come_in_order_each_with_the_state_after_it(ada: Person) -> None:
    created = await ada.create()
    changed = await ada.update(created.id, title="Buy oat milk", priority=tasks_pb2.TASK_PRIORITY_HIGH)
    completed = await ada.complete(created.id)
    reopened = await ada.update(created.id, status=tasks_pb2.TASK_STATUS_IN_PROGRESS)
    await ada.delete(created.id)
    events = await events_of(ada.service, created.id, 6)
    expected: list[Message] = [
        events_pb2.TaskCreated(task=created),
        events_pb2.TaskUpdated(task=changed, changed=FieldMask(paths=["title", "priority"])),
        events_pb2.TaskUpdated(task=completed, changed=FieldMask(paths=["status"])),
        events_pb2.TaskCompleted(task=completed),
        events_pb2.TaskUpdated(task=reopened, changed=FieldMask(paths=["status"])),
        events_pb2.TaskDeleted(task_id=created.id, owner_id=ada.id),
    ]
    assert [event.message for event in events] == expected
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6]
    assert len({event.record.partition for event in events}) == 1


async def test_a_task_created_completed_is_told_as_both(ada: Person) -> None:
    task = await ada.create(status=tasks_pb2.TASK_STATUS_COMPLETED)
    events = await events_of(ada.service, task.id, 2)
    assert [event.message for event in events] == [
        events_pb2.TaskCreated(task=task),
        events_pb2.TaskCompleted(task=task),
    ]


async def test_what_changes_nothing_or_is_refused_is_not_told(ada: Person) -> None:
    task = await ada.create(status=tasks_pb2.TASK_STATUS_COMPLETED)
    await ada.complete(task.id)
    await ada.update(task.id, title=task.title, status=task.status)
    with pytest.raises(Invalid):
        await ada.update(task.id, title="")
    await ada.delete(task.id)
    events = await events_of(ada.service, task.id, 3)
    assert [(event.sequence, event.name) for event in events] == [
        (1, "TaskCreated"),
        (2, "TaskCompleted"),
        (3, "TaskDeleted"),
    ]
