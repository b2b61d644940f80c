"""Requests with a request_id have one effect, however often, at whichever process and in whatever state they come."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from primetrade.tasks.v1 import tasks_pb2

from chassis import claims
from chassis.claims import Claims
from chassis.clock import SystemClock, ordered_id
from chassis.errors import Gone, Invalid, KeyReused, NotFound, VersionMismatch
from chassis.mongo import Collection, Document, Mongo
from chassis.testing.engines import Engines
from chassis.testing.issuer import Issuer
from services.tasks.tests.records import events_of
from services.tasks.tests.wire import Person, Service, serving, settings_for

HIGH = tasks_pb2.TASK_PRIORITY_HIGH


@pytest.fixture
def key() -> str:
    return str(uuid4())


def collection(service: Service, name: str) -> Collection:
    return service.process.component(Mongo).collection(name)


async def claims_of(person: Person) -> list[Document]:
    found = await collection(person.service, claims.COLLECTION).find({}).to_list(None)
    return [claim for claim in found if claim["_id"].startswith(f"{person.id}:")]


async def test_twins_create_one_task_with_one_event_and_get_the_same_answer(ada: Person, key: str) -> None:
    answers = await asyncio.gather(*(ada.create("Once", key, priority=HIGH) for _ in range(20)))
    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
    assert list((await ada.list()).tasks) == answers[:1]
    await ada.delete(answers[0].id)
    assert [event.name for event in await events_of(ada.service, answers[0].id, 2)] == ["TaskCreated", "TaskDeleted"]


async def test_twins_at_several_processes_create_one_task(engines: Engines, issuer: Issuer, key: str) -> None:
    settings = settings_for(engines, issuer)
    async with serving(settings, issuer) as first, serving(settings, issuer) as second:
        ada = first.person()
        answers = await asyncio.gather(*(ada.at(at).create(key=key) for at in (first, second) * 10))
        assert len({answer.id for answer in answers}) == 1
        assert (await ada.list()).total_size == 1
        await ada.delete(answers[0].id)
        events = await events_of(first, answers[0].id, 2)
        assert [event.sequence for event in events] == [1, 2]


async def test_a_repeat_after_a_restart_finds_what_was_created(engines: Engines, issuer: Issuer, key: str) -> None:
    settings = settings_for(engines, issuer)
    async with serving(settings, issuer) as first:
        ada = first.person()
        task = await ada.create(key=key)
    async with serving(settings, issuer) as second:
        assert await ada.at(second).create(key=key) == task


async def test_a_crash_between_claim_and_task_is_completed_by_the_repeats(ada: Person, key: str) -> None:
    """The process that claimed is gone: all it left is the claim."""

    class Killed(Exception):
        """Ends the request where a kill would."""

    async def killed(task_id: UUID) -> tasks_pb2.Task:
        raise Killed(str(task_id))

    dead = Claims(collection(ada.service, claims.COLLECTION), SystemClock(), ordered_id)
    request = tasks_pb2.CreateTaskRequest(task=tasks_pb2.Task(title="Buy milk"), request_id=key)
    with pytest.raises(Killed) as claimed:
        await dead.create(UUID(ada.id), request, killed, killed)
    assert (await ada.list()).total_size == 0

    answers = await asyncio.gather(*(ada.create(key=key) for _ in range(5)))
    assert {answer.id for answer in answers} == {str(claimed.value)}
    await ada.delete(answers[0].id)
    assert [event.name for event in await events_of(ada.service, answers[0].id, 2)] == ["TaskCreated", "TaskDeleted"]


async def test_a_repeat_answers_with_the_task_as_it_stands(ada: Person, key: str) -> None:
    task = await ada.create(key=key)
    changed = await ada.update(task.id, title="Buy bread")
    assert await ada.create(key=key) == changed
    assert (await ada.list()).total_size == 1


async def test_a_repeat_for_a_deleted_task_is_gone_and_creates_nothing(ada: Person, key: str) -> None:
    task = await ada.create(key=key)
    await ada.delete(task.id)
    for _ in range(2):
        with pytest.raises(Gone) as refused:
            await ada.create(key=key)
        assert (refused.value.resource, refused.value.name) == ("task", task.id)
    assert (await ada.list()).total_size == 0


async def test_a_delete_among_the_twins_leaves_no_task(ada: Person, key: str) -> None:
    task = await ada.create(key=key)
    repeats = [ada.create(key=key) for _ in range(10)]
    *answers, _ = await asyncio.gather(*repeats, ada.delete(task.id), return_exceptions=True)
    assert all(answer == task or isinstance(answer, Gone) for answer in answers)
    assert (await ada.list()).total_size == 0


async def test_a_key_stands_for_one_request(ada: Person, key: str) -> None:
    task = await ada.create("Buy milk", key, description="two litres")
    for title, fields in (
        ("Buy bread", {"description": "two litres"}),
        ("Buy milk", {"description": "one litre"}),
        ("Buy milk", {}),
        ("Buy milk", {"description": "two litres", "priority": HIGH}),
    ):
        with pytest.raises(KeyReused) as refused:
            await ada.create(title, key, **fields)
        assert [violation.field for violation in refused.value.violations] == ["request_id"]
    assert list((await ada.list()).tasks) == [task]


async def test_of_twins_that_differ_one_has_the_key(ada: Person, key: str) -> None:
    answers = await asyncio.gather(*(ada.create(f"Task {n}", key) for n in range(5)), return_exceptions=True)
    created = [answer for answer in answers if isinstance(answer, tasks_pb2.Task)]
    assert [type(answer) for answer in answers].count(KeyReused) == 4
    assert list((await ada.list()).tasks) == created


async def test_a_key_belongs_to_its_caller_and_its_method(ada: Person, bob: Person, key: str) -> None:
    mine, theirs = await ada.create("Ada's", key), await bob.create("Bob's", key)
    assert (mine.owner_id, theirs.owner_id) == (ada.id, bob.id)
    assert (await ada.complete(mine.id, key=key)).id == mine.id
    with pytest.raises(NotFound):
        await bob.complete(mine.id, key=key)
    assert await bob.create("Bob's", key) == theirs


async def test_a_refused_request_leaves_its_key_free(ada: Person, key: str) -> None:
    with pytest.raises(Invalid):
        await ada.create("", key)
    assert await claims_of(ada) == []
    assert (await ada.create("Better", key)).title == "Better"


@pytest.mark.parametrize("key", ["x", " ", "k" * 255, '"quoted"', "a:b:c", "$where {a.b} \\ '"])
async def test_any_printable_text_is_a_key(ada: Person, key: str) -> None:
    assert await ada.create(key=key) == await ada.create(key=key)


async def test_without_a_key_every_request_is_its_own_and_leaves_no_claim(service: Service, ada: Person) -> None:
    await ada.create()
    await ada.create()
    await ada.complete((await ada.create()).id)
    assert (await ada.list()).total_size == 3
    assert await claims_of(ada) == []


async def test_claims_expire_after_a_day_by_their_index(service: Service, ada: Person, key: str) -> None:
    task = await ada.create(key=key)
    (claim,) = await claims_of(ada)
    assert claim["_id"] == f"{ada.id}:primetrade.tasks.v1.CreateTaskRequest:{key}"
    assert claim["resource_id"] == UUID(task.id)
    left = claim["expires_at"] - datetime.now(UTC)
    assert timedelta(hours=23, minutes=50) < left <= timedelta(hours=24)
    indexes = await collection(service, claims.COLLECTION).index_information()
    assert [index["key"] for index in indexes.values() if index.get("expireAfterSeconds") == 0] == [[("expires_at", 1)]]


async def test_twins_complete_once_and_get_the_same_answer(ada: Person, key: str) -> None:
    for etag in ("", "1"):
        task = await ada.create()
        answers = await asyncio.gather(*(ada.complete(task.id, etag, f"{key}{etag}") for _ in range(10)))
        assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
        await ada.delete(task.id)
        events = await events_of(ada.service, task.id, 4)
        assert [event.name for event in events] == ["TaskCreated", "TaskUpdated", "TaskCompleted", "TaskDeleted"]


async def test_a_repeated_completion_changes_nothing_whatever_happened_since(ada: Person, key: str) -> None:
    task = await ada.create()
    completed = await ada.complete(task.id, task.etag, key)
    assert await ada.complete(task.id, task.etag, key) == completed
    reopened = await ada.update(task.id, status=tasks_pb2.TASK_STATUS_PENDING)
    assert await ada.complete(task.id, task.etag, key) == reopened
    assert await ada.get(task.id) == reopened
    await ada.delete(task.id)
    with pytest.raises(Gone):
        await ada.complete(task.id, task.etag, key)


async def test_the_key_of_a_completion_stands_for_its_task_and_its_etag(ada: Person, key: str) -> None:
    task, other = await ada.create(), await ada.create()
    await ada.complete(task.id, task.etag, key)
    for task_id, etag in ((other.id, task.etag), (task.id, ""), (task.id, "2")):
        with pytest.raises(KeyReused):
            await ada.complete(task_id, etag, key)
    assert await ada.get(other.id) == other


async def test_a_refused_completion_is_refused_again_until_it_can_be_done(ada: Person, key: str) -> None:
    task = await ada.create()
    for _ in range(2):
        with pytest.raises(VersionMismatch):
            await ada.complete(task.id, "2", key)
    await ada.update(task.id, title="Now at version 2")
    assert (await ada.complete(task.id, "2", key)).etag == "3"


async def test_a_completion_whose_answer_was_lost_in_a_crash_is_told_by_the_repeat(ada: Person, key: str) -> None:
    """Killed between the change and the note that it is done."""
    task = await ada.create()
    completed = await ada.complete(task.id, task.etag, key)
    (claim,) = await claims_of(ada)
    await collection(ada.service, claims.COLLECTION).update_one({"_id": claim["_id"]}, {"$unset": {"done": ""}})
    assert await ada.complete(task.id, task.etag, key) == completed
    assert len(await claims_of(ada)) == 1
