"""The reminders are made anew from the topic of tasks while its events keep coming."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from primetrade.tasks.v1 import tasks_pb2

from chassis.events.comparing import Comparison, Untold
from chassis.events.rebuild import Refused
from chassis.mongo import Document, Mongo
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from services.notify.app import COMMANDS, rebuilt
from services.notify.tests.house import COMPLETED, DUE_SOON, House, Task, opened, settings_for


def ahead(**time: float) -> datetime:
    return datetime.now(UTC) + timedelta(**time)


@pytest.fixture
async def own(engines: Engines, issuer: Issuer) -> AsyncIterator[House]:
    """A service that a test may do anything to."""
    async with opened(settings_for(engines, issuer), issuer) as house:
        yield house


async def rebuild(house: House, untold: Untold = Untold.REFUSED) -> Comparison:
    result = await rebuilt(house.settings, untold, lambda _: None)
    await house.process.component(Mongo).generations("reminders").follow()
    return result


def counts(result: Comparison) -> tuple[int, int, int, int, int]:
    return result.rows, result.added, result.changed, result.removed, result.kept


def facts(row: Document | None) -> Document:
    """A row without how long it is remembered."""
    return {name: value for name, value in (row or {}).items() if name != "forget_at"}


async def test_what_was_damaged_missing_or_forged_is_right_again_and_nobody_is_told_twice(own: House) -> None:
    due, later = Task(uuid4(), due=ahead(hours=3)), Task(uuid4(), due=ahead(days=3))
    done, gone, lost = (Task(uuid4()) for _ in range(3))
    last = [due.created(), later.created(), done.completed(), gone.deleted(), lost.created()]
    await own.publish(*last)
    for event in last:
        await own.handled(event)
    collection = own.process.component(Mongo).collection("reminders")
    others = await collection.count_documents({}) - 5
    right = {task.id: facts(await own.document("reminders", task.id)) for task in (due, later, done, gone, lost)}
    await collection.update_one(
        {"_id": later.id}, {"$set": {"title": "Wrong"}, "$unset": {"owed_for": "", "due_at": ""}}
    )
    await collection.update_one({"_id": gone.id}, {"$unset": {"forget_at": ""}, "$set": {"open": True}})
    await collection.delete_one({"_id": lost.id})
    await collection.insert_one({"_id": (forged := uuid4()), "open": True})
    result = await rebuild(own)
    assert counts(result) == (others + 5, 1, 2, 1, 0)
    assert await own.document("reminders", forged) is None

    async def settled() -> bool:
        return "owed_for" not in (await own.document("reminders", due.id) or {"owed_for": ""})

    await eventually(settled, "the reminder that was made to be settled again")
    for task in (due, later, done, gone, lost):
        assert facts(await own.document("reminders", task.id)) == right[task.id]
    assert "forget_at" in (await own.document("reminders", gone.id) or {})
    assert [entry.type for entry in await own.inbox(due.owner)] == [DUE_SOON]
    assert [entry.type for entry in await own.inbox(done.owner)] == [COMPLETED]


@pytest.mark.slow
async def test_no_reminder_is_owed_for_what_is_past(own: House) -> None:
    task = Task(uuid4(), due=ahead(seconds=-1))
    event = task.created()
    await own.publish(event)
    await own.handled(event)
    await rebuild(own)
    assert "owed_for" not in (await own.document("reminders", task.id) or {"owed_for": ""})
    assert await own.inbox(task.owner) == []


@pytest.mark.slow
async def test_events_that_come_during_a_rebuild_are_all_there(own: House) -> None:
    tasks: list[Task] = []
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            task = Task(uuid4(), title="First")
            await own.publish(task.created(), task.updated(title="Last"), task.completed())
            tasks.append(task)
            # What is told does not depend on how far the rebuilt reminders are ahead.
            assert [entry.type for entry in await own.arrived(task.owner)] == [COMPLETED]

    async with asyncio.TaskGroup() as load:
        load.create_task(write())
        await eventually(lambda: len(tasks) > 5, "the load to begin")
        for generation in (2, 3):
            before = len(tasks)
            result = await rebuild(own)
            assert (result.generation, result.removed) == (generation, 0)
            await eventually(lambda before=before: len(tasks) > before, "the load to go on")  # type: ignore[misc]
        stop.set()
    for task in tasks:
        row = await own.document("reminders", task.id)
        assert row is not None
        assert (row["sequence"], row["title"], row["open"]) == (3, "Last", False)


@pytest.mark.slow
async def test_a_task_that_the_topic_does_not_tell_of_is_a_persons_decision(own: House, issuer: Issuer) -> None:
    task = Task(uuid4(), due=ahead(days=9), status=tasks_pb2.TASK_STATUS_IN_PROGRESS)
    row = {
        "_id": task.id, "owner_id": task.owner, "title": "Kept", "due_at": task.due, "owed_for": task.due, "open": True,
        "sequence": 7,
    }  # fmt: skip
    await own.process.component(Mongo).collection("reminders").insert_one(row)
    with pytest.raises(Refused, match=str(task.id)):
        await rebuild(own)
    assert counts(await rebuild(own, Untold.KEPT)) == (1, 0, 0, 0, 1)
    assert (await own.document("reminders", task.id) or {})["title"] == "Kept"
    assert counts(await rebuild(own, Untold.DROPPED)) == (0, 0, 0, 1, 0)


async def test_wrong_words_are_refused(own: House) -> None:
    with pytest.raises(SystemExit) as refused:
        await COMMANDS["rebuild"].run(own.settings, ["--everything"])  # type: ignore[union-attr]
    assert refused.value.code == 2
