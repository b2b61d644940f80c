"""What people do with their tasks reaches their inbox: completed ones, and those due within a day."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from primetrade.notify.v1 import events_pb2
from primetrade.tasks.v1 import tasks_pb2

from chassis.events.envelope import Event
from chassis.mongo import Mongo
from chassis.schedule import LEASES
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from services.notify.app import remind
from services.notify.domain.reminder import AHEAD
from services.notify.tests.house import COMPLETED, DUE_SOON, House, MovedClock, Task, opened, settings_for

COMPLETE = tasks_pb2.TASK_STATUS_COMPLETED


def ahead(**time: float) -> datetime:
    """A due time so far from now, as exact as a client may send it."""
    return datetime.now(UTC) + timedelta(**time)


class Later:
    """A service whose clock is put forward: what the job notices is not left to chance."""

    def __init__(self, house: House, clock: MovedClock) -> None:
        self.house, self.clock = house, clock

    def tomorrow(self) -> datetime:
        """A due time that comes within a day in one hour."""
        return self.clock.now() + AHEAD + timedelta(hours=1)

    async def pass_two_hours(self) -> None:
        """Put the clock forward and wait until the job has seen to everything that `tomorrow` told."""
        control = Task(uuid4(), due=self.tomorrow() + timedelta(minutes=1))
        created = control.created()
        await self.house.publish(created)
        await self.house.handled(created)
        self.clock.move(timedelta(hours=2))
        # The job takes the earliest due first.
        await self.house.arrived(control.owner)


async def holder_of_the_lease(house: House) -> str:
    found = await house.process.component(Mongo).collection(LEASES).find_one({"_id": "reminding"})
    return str(found["holder"]) if found else ""


@pytest.fixture(scope="module")
async def later(engines: Engines, issuer: Issuer) -> AsyncIterator[Later]:
    clock = MovedClock()
    async with opened(settings_for(engines, issuer), issuer, clock) as house:
        yield Later(house, clock)


async def test_a_completed_task_is_told(house: House) -> None:
    task = Task(uuid4(), title="Buy <b>milk</b>")
    await house.publish(task.created(), task.updated(status=COMPLETE), task.completed())
    [entry] = await house.arrived(task.owner)
    assert entry.type == COMPLETED
    assert entry.title == "Task completed"
    assert entry.body == "“Buy <b>milk</b>” is done."
    assert entry.task_id == str(task.id)


async def test_a_task_completed_again_after_it_was_reopened_is_told_again(house: House) -> None:
    task = Task(uuid4())
    await house.publish(task.created(), task.completed())
    await house.publish(task.updated(status=tasks_pb2.TASK_STATUS_PENDING), task.completed())
    assert [entry.type for entry in await house.arrived(task.owner, 2)] == [COMPLETED, COMPLETED]


async def test_a_task_due_within_a_day_is_told_at_once(house: House) -> None:
    due = datetime.now(UTC).replace(microsecond=123456) + timedelta(hours=3)
    task = Task(uuid4(), title="Ship it", due=due)
    await house.publish(task.created())
    [entry] = await house.arrived(task.owner)
    assert entry.type == DUE_SOON
    assert entry.body == f"“Ship it” is due on {due:%Y-%m-%d} at {due:%H:%M} UTC."
    assert entry.task_id == str(task.id)
    [created] = await house.published(entry.id, 1)
    assert created.type == events_pb2.NotificationCreated.DESCRIPTOR.full_name


async def test_a_task_that_comes_within_a_day_is_told_by_the_job(later: Later) -> None:
    house, task = later.house, Task(uuid4(), due=later.tomorrow())
    created = task.created()
    await house.publish(created)
    await house.handled(created)
    document = await house.document("reminders", task.id)
    assert document is not None
    assert "owed_for" in document
    assert await house.inbox(task.owner) == []
    await later.pass_two_hours()
    [entry] = await house.inbox(task.owner)
    assert entry.type == DUE_SOON
    document = await house.document("reminders", task.id)
    assert document is not None
    assert "owed_for" not in document


async def test_who_sets_a_due_time_within_a_day_later_is_told_then(house: House) -> None:
    task = Task(uuid4())
    await house.publish(task.created(), task.updated(due=ahead(hours=5)))
    [entry] = await house.arrived(task.owner)
    assert entry.type == DUE_SOON


async def test_each_due_time_is_told_once(house: House) -> None:
    first, second = ahead(hours=4), ahead(hours=6)
    task = Task(uuid4(), due=first)
    await house.publish(task.created(), task.updated(title="Renamed"), task.updated(due=second))
    back = task.updated(due=first)
    await house.publish(back)
    await house.handled(back)
    entries = await house.inbox(task.owner)
    assert [entry.type for entry in entries] == [DUE_SOON, DUE_SOON]
    assert len({entry.id for entry in entries}) == 2


async def test_no_reminder_of_what_moved_was_cleared_completed_or_deleted(later: Later) -> None:
    house, soon = later.house, later.tomorrow()
    moved, cleared, completed, deleted = (Task(uuid4(), due=soon) for _ in range(4))
    await house.publish(*(task.created() for task in (moved, cleared, completed, deleted)))
    last = [
        moved.updated(due=soon + timedelta(days=9)), cleared.updated(due=None), completed.updated(status=COMPLETE),
        deleted.deleted(),
    ]  # fmt: skip
    await house.publish(*last)
    for event in last:
        await house.handled(event)
    await later.pass_two_hours()
    for task in (moved, cleared, completed, deleted):
        assert await house.inbox(task.owner) == []


async def test_a_reopened_task_is_told_when_it_is_due_soon(house: House) -> None:
    task = Task(uuid4(), due=ahead(hours=2), status=COMPLETE)
    created = task.created()
    await house.publish(created)
    await house.handled(created)
    assert await house.inbox(task.owner) == []
    await house.publish(task.updated(status=tasks_pb2.TASK_STATUS_IN_PROGRESS))
    [entry] = await house.arrived(task.owner)
    assert entry.type == DUE_SOON


async def test_no_reminder_of_what_is_overdue_already(house: House) -> None:
    overdue = Task(uuid4(), due=ahead(minutes=-1))
    ancient = Task(uuid4(), due=datetime(1, 1, 1, tzinfo=UTC))
    for task in (overdue, ancient):
        created = task.created()
        await house.publish(created)
        await house.handled(created)
        assert await house.inbox(task.owner) == []
        document = await house.document("reminders", task.id)
        assert document is not None
        assert "owed_for" not in document


async def test_the_far_future_is_no_trouble(house: House) -> None:
    task = Task(uuid4(), due=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    created = task.created()
    await house.publish(created)
    await house.handled(created)
    assert await house.inbox(task.owner) == []


async def test_events_that_come_again_change_nothing(house: House) -> None:
    task = Task(uuid4(), due=ahead(hours=1))
    events = [task.created(), task.updated(title="Renamed"), task.updated(status=COMPLETE), task.completed()]
    await house.publish(*events)
    await house.publish(*events)
    await house.publish(*reversed(events))
    await house.handled(events[0])
    entries = await house.inbox(task.owner)
    assert sorted(entry.type for entry in entries) == [COMPLETED, DUE_SOON]
    for entry in entries:
        assert len(await house.published(entry.id, 1)) == 1
    document = await house.document("reminders", task.id)
    assert document is not None
    assert (document["sequence"], document["open"], document["title"]) == (4, False, "Renamed")


async def test_events_that_come_after_the_delete_bring_nothing_back(house: House) -> None:
    task = Task(uuid4(), due=ahead(days=3))
    created, updated, deleted = task.created(), task.updated(due=ahead(hours=2)), task.deleted()
    await house.publish(created, deleted, updated, created, deleted)
    await house.handled(created)
    assert await house.inbox(task.owner) == []
    document = await house.document("reminders", task.id)
    assert document is not None
    assert set(document) == {"_id", "sequence", "forget_at"}
    assert document["sequence"] == 3


async def test_a_delete_that_comes_first_is_remembered(house: House) -> None:
    task = Task(uuid4(), due=ahead(hours=2))
    created, deleted = task.created(), task.deleted()
    await house.publish(deleted, created)
    await house.handled(created)
    assert await house.inbox(task.owner) == []


async def test_of_several_processes_one_looks_for_due_tasks(engines: Engines, issuer: Issuer) -> None:
    settings = settings_for(engines, issuer)
    async with opened(settings, issuer) as survivor:
        first = await eventually(lambda: holder_of_the_lease(survivor), "the lease to be held")
        async with opened(settings, issuer) as other:
            tasks = [Task(uuid4(), due=ahead(days=1, seconds=1)) for _ in range(20)]
            await other.publish(*(task.created() for task in tasks))
            entries = [entry for task in tasks for entry in await other.arrived(task.owner)]
            assert len(entries) == len(tasks)

            async def all_out() -> list[Event]:
                published = await other.all_published()
                return published if len(published) >= len(tasks) else []

            published = await eventually(all_out, "all events to be published")
            assert sorted(event.subject for event in published) == sorted(entry.id for entry in entries)
            assert await holder_of_the_lease(survivor) == first


async def test_a_process_that_leaves_lets_another_look_for_due_tasks(engines: Engines, issuer: Issuer) -> None:
    settings = settings_for(engines, issuer)
    leaving = opened(settings, issuer)
    house = await leaving.__aenter__()
    first = await eventually(lambda: holder_of_the_lease(house), "the lease to be held")
    async with opened(settings, issuer) as survivor:
        await leaving.__aexit__(None, None, None)
        heir = await eventually(lambda: holder_of_the_lease(survivor), "the lease to be taken over")
        assert heir != first


async def test_the_job_is_a_command_too(engines: Engines, issuer: Issuer) -> None:
    settings = settings_for(engines, issuer, reminders_every=3600)
    task = Task(uuid4(), due=ahead(days=1, seconds=1))
    async with opened(settings, issuer) as house:
        created = task.created()
        await house.publish(created)
        await house.handled(created)

        async def commanded() -> bool:
            await remind(settings)
            return bool(await house.inbox(task.owner))

        await eventually(commanded, "the command to remind")
        [entry] = await house.inbox(task.owner)
        assert entry.type == DUE_SOON
