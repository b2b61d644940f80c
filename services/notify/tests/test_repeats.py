"""Every event may come again, late, or after the task was deleted: no effect is doubled, and none undone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from primetrade.tasks.v1 import tasks_pb2

from chassis.events.envelope import Event
from chassis.events.topics import AUTH, TASKS
from chassis.mongo import Document
from chassis.testing.engines import Engines
from chassis.testing.issuer import Issuer
from chassis.testing.measured import measured
from services.notify.domain.derivation import derived_id
from services.notify.tests.house import COMPLETED, DUE_SOON, House, Task, opened, registered, settings_for
from services.notify.tests.postbox import Postbox

COMPLETE = tasks_pb2.TASK_STATUS_COMPLETED


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(hours=3)


def superseded(house: House, event: Event) -> float:
    """How many events of this type ended as overtaken so far."""
    labels = {"topic": TASKS.name(house.settings.kafka_prefix), "type": event.type, "outcome": "superseded"}
    return measured("primetrade_consumer_handling_duration_seconds_count", **labels) or 0


async def publish(house: House, *events: Event) -> None:
    """Publish events of one aggregate and wait until the last is handled."""
    await house.publish(*events)
    await house.handled(events[-1])


async def reminder(house: House, task: Task) -> Document:
    return await house.document("reminders", task.id) or {}


async def test_the_same_event_again_changes_nothing(house: House) -> None:
    task = Task(uuid4(), due=soon())
    for event in (task.created(), task.updated(title="Renamed"), task.completed(), task.deleted()):
        await publish(house, event)
        before = await reminder(house, task), await house.inbox(task.owner), superseded(house, event)
        await publish(house, event, event)
        assert (await reminder(house, task), await house.inbox(task.owner), superseded(house, event)) == before
    assert sorted(entry.type for entry in await house.inbox(task.owner)) == [COMPLETED, DUE_SOON]


async def test_an_older_event_is_superseded_and_changes_nothing(house: House) -> None:
    task = Task(uuid4())
    older = [task.created(), task.updated(due=soon()), task.updated(status=COMPLETE), task.completed()]
    newest = task.updated(title="Newest", due=None, status=tasks_pb2.TASK_STATUS_PENDING)
    await publish(house, older[3], newest)
    before = await reminder(house, task)
    told = await house.inbox(task.owner)
    counted = [superseded(house, event) for event in (older[0], older[1], older[3])]
    await publish(house, *older)
    assert await reminder(house, task) == before
    assert await house.inbox(task.owner) == told
    assert [superseded(house, event) for event in (older[0], older[1], older[3])] == [
        counted[0] + 1, counted[1] + 2, counted[2] + 1
    ]  # fmt: skip


async def test_what_comes_after_the_deletion_brings_nothing_back(house: House) -> None:
    task = Task(uuid4(), due=soon())
    created, updated, completed, deleted = task.created(), task.updated(title="New"), task.completed(), task.deleted()
    await publish(house, deleted)
    before = await reminder(house, task)
    counted = superseded(house, updated)
    await publish(house, created, updated, deleted)
    assert await reminder(house, task) == before
    assert set(before) == {"_id", "sequence", "forget_at"}
    assert before["sequence"] == 4
    assert await house.inbox(task.owner) == []
    assert superseded(house, updated) == counted + 1
    # That it was completed is a fact of its own, told once, whatever came later.
    counted = superseded(house, completed)
    await publish(house, completed, completed)
    assert [entry.type for entry in await house.inbox(task.owner)] == [COMPLETED]
    assert superseded(house, completed) == counted + 1


@pytest.mark.slow
async def test_a_replay_of_the_whole_topics_changes_nothing(engines: Engines, issuer: Issuer, postbox: Postbox) -> None:
    settings = settings_for(engines, issuer, smtp_url=postbox.url)
    async with opened(settings, issuer) as house:
        person, address = uuid4(), f"{uuid4().hex}@example.com"
        registration = registered(person, email=address)
        done, due, gone = Task(person), Task(person, due=soon()), Task(person, due=soon())
        await publish(house, registration)
        await publish(house, done.created(), done.updated(status=COMPLETE), done.completed())
        await publish(house, due.created(), due.updated(title="Renamed"))
        await publish(house, gone.created(), gone.updated(due=None), gone.deleted())
        [welcome, *_] = reversed(await house.arrived(person, 4))
        await house.mark(person, welcome.id)

        async def everything() -> Sequence[object]:
            deliveries = await house.document("deliveries", derived_id("welcome-mail", registration.id)) or {}
            rows = [await reminder(house, task) for task in (done, due, gone)]
            return [await house.inbox(person), deliveries.get("state"), deliveries.get("attempts"), rows]

        await house.published(welcome.id, 2)
        before, told = await everything(), len(postbox.to(address))
        for topic in (AUTH, TASKS):
            replayed = await house.all_published(topic)
            await house.publish(*replayed)
            for event in replayed:
                await house.handled(event)
        assert await everything() == before
        assert len(postbox.to(address)) == told == 1
        assert [event.sequence for event in await house.published(welcome.id, 2)] == [1, 2]
