"""The task's own rules, with no engine near."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest

from chassis.errors import VersionMismatch
from services.tasks.domain.events import TaskCompleted, TaskCreated, TaskDeleted, TaskUpdated
from services.tasks.domain.task import Draft, Revision, Task
from services.tasks.domain.values import Description, OwnerId, Priority, Status, TaskId, Title

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def new(status: Status = Status.PENDING) -> Task:
    draft = Draft(title=Title("Buy milk"), description=Description(""), status=status, due_time=LATER)
    return Task.create(TaskId(uuid4()), OwnerId(uuid4()), draft, NOON)


def stored(status: Status = Status.PENDING) -> Task:
    task = new(status)
    task.saved(1, len(task.recorded))
    return task


def test_a_new_task_records_its_creation() -> None:
    task = new()
    assert task.recorded == (TaskCreated(),)
    assert (task.create_time, task.update_time, task.complete_time) == (NOON, NOON, None)


def test_a_task_created_completed_records_both() -> None:
    task = new(Status.COMPLETED)
    assert task.recorded == (TaskCreated(), TaskCompleted())
    assert task.complete_time == NOON


@pytest.mark.parametrize(("start", "end"), list(product(Status, Status)))
def test_a_status_leads_to_every_other(start: Status, end: Status) -> None:
    task = stored(start)
    task.revise(Revision(status=end), LATER)
    assert task.status is end
    if start is end:
        assert task.recorded == ()
        assert task.update_time == NOON
    else:
        completion = (TaskCompleted(),) if end is Status.COMPLETED else ()
        assert task.recorded == (TaskUpdated(("status",)), *completion)
        assert task.complete_time == (LATER if end is Status.COMPLETED else None)


def test_a_revision_records_what_differs_and_nothing_else() -> None:
    task = stored()
    task.revise(Revision(title=task.title, priority=Priority.HIGH, due_time=None), LATER)
    assert task.recorded == (TaskUpdated(("priority", "due_time")),)
    assert (task.priority, task.due_time, task.update_time) == (Priority.HIGH, None, LATER)


def test_a_revision_that_differs_in_nothing_is_no_change() -> None:
    task, same = stored(), stored()
    same.id, same.owner_id = task.id, task.owner_id
    task.revise(Revision(), LATER)
    task.revise(Revision(title=task.title, status=task.status, due_time=task.due_time), LATER)
    assert (task, task.recorded) == (same, ())


def test_completing_twice_is_completing_once() -> None:
    task = stored()
    task.complete(NOON)
    recorded = task.recorded
    task.complete(LATER)
    assert (task.recorded, task.complete_time) == (recorded, NOON)


def test_a_deletion_is_recorded() -> None:
    task = stored()
    task.delete()
    assert task.recorded == (TaskDeleted(),)


def test_an_etag_is_a_precondition_only_when_there_is_one() -> None:
    task = stored()
    task.require_etag("", "task", str(task.id))
    task.require_etag(task.etag, "task", str(task.id))
    with pytest.raises(VersionMismatch):
        task.require_etag("0", "task", str(task.id))
