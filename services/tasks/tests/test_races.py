"""Two changes of one task at the same time, with and without an etag."""

import asyncio
import time

import pytest
from primetrade.tasks.v1 import tasks_pb2

from chassis.errors import NotFound, VersionMismatch
from services.tasks.tests.records import events_of
from services.tasks.tests.wire import Person


async def test_a_write_with_an_old_etag_is_refused_and_names_the_current_one(ada: Person) -> None:
    task = await ada.create()
    changed = await ada.update(task.id, title="New", etag=task.etag)
    attempts = (
        ada.update(task.id, title="Newer", etag=task.etag),
        ada.complete(task.id, etag=task.etag),
        ada.delete(task.id, etag=task.etag),
        ada.update(task.id, title="Newer", etag="nonsense"),
    )
    for attempt in attempts:
        with pytest.raises(VersionMismatch) as refused:
            await attempt
        assert (refused.value.name, refused.value.current) == (task.id, changed.etag)
    assert await ada.get(task.id) == changed
    await ada.delete(task.id, etag=changed.etag)


async def test_an_old_etag_is_refused_even_when_nothing_would_change(ada: Person) -> None:
    task = await ada.create()
    await ada.complete(task.id)
    with pytest.raises(VersionMismatch):
        await ada.complete(task.id, etag=task.etag)


async def test_changes_without_etag_all_succeed(ada: Person) -> None:
    task = await ada.create()
    answers = await asyncio.gather(*(ada.update(task.id, title=f"Title {number}") for number in range(10)))
    assert len({answer.etag for answer in answers}) == 10
    last = max(answers, key=lambda answer: int(answer.etag))
    assert await ada.get(task.id) == last

    events = await events_of(ada.service, task.id, 11)
    assert [event.sequence for event in events] == list(range(1, 12))
    told = [event.message.task.title for event in events[1:]]
    assert told == [answer.title for answer in sorted(answers, key=lambda answer: int(answer.etag))]


async def test_many_changes_without_etag_cost_as_much_as_one_after_the_other(ada: Person) -> None:
    task = await ada.create()
    began = time.process_time()
    for number in range(60):
        await ada.update(task.id, title=f"Title {number}")
    in_a_row = time.process_time() - began
    began = time.process_time()
    await asyncio.gather(*(ada.update(task.id, title=f"At once {number}") for number in range(60)))
    at_once = time.process_time() - began
    assert (await ada.get(task.id)).etag == "121"
    assert at_once < 2 * in_a_row


async def test_of_changes_with_the_same_etag_exactly_one_wins(ada: Person) -> None:
    task = await ada.create()
    answers = await asyncio.gather(
        *(ada.update(task.id, title=f"Title {number}", etag=task.etag) for number in range(10)), return_exceptions=True
    )
    won = [answer for answer in answers if isinstance(answer, tasks_pb2.Task)]
    assert len(won) == 1
    assert sum(isinstance(answer, VersionMismatch) for answer in answers) == 9
    assert await ada.get(task.id) == won[0]


async def test_of_deletes_exactly_one_wins(ada: Person) -> None:
    task = await ada.create()
    answers = await asyncio.gather(*(ada.delete(task.id) for _ in range(5)), return_exceptions=True)
    assert answers.count(None) == 1
    assert sum(isinstance(answer, NotFound) for answer in answers) == 4


async def test_completing_at_once_completes_once(ada: Person) -> None:
    task = await ada.create()
    answers = await asyncio.gather(*(ada.complete(task.id) for _ in range(5)))
    assert len({answer.etag for answer in answers}) == 1
    await ada.delete(task.id)
    events = await events_of(ada.service, task.id, 4)
    assert [event.name for event in events] == ["TaskCreated", "TaskUpdated", "TaskCompleted", "TaskDeleted"]
