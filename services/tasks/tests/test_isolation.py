"""A task that belongs to somebody else is not found, on every method; nobody's list shows it."""

from uuid import uuid4

import pytest
from primetrade.tasks.v1 import tasks_pb2

from chassis.errors import Forbidden, NotFound
from chassis.rpc.client import bearer
from services.tasks.tests.wire import Person, Service


async def test_somebody_elses_task_is_not_found_and_stays_as_it_is(ada: Person, bob: Person) -> None:
    task = await ada.create()
    attempts = (
        bob.get(task.id),
        bob.update(task.id, title="Mine now"),
        bob.update(task.id, title="Mine now", etag=task.etag),
        bob.complete(task.id),
        bob.complete(task.id, etag=task.etag),
        bob.delete(task.id),
        bob.delete(task.id, etag=task.etag),
    )
    for attempt in attempts:
        with pytest.raises(NotFound) as refused:
            await attempt
        assert (refused.value.resource, refused.value.name) == ("task", task.id)
    assert await ada.get(task.id) == task


async def test_somebody_elses_task_answers_as_one_that_never_was(ada: Person, bob: Person) -> None:
    with pytest.raises(NotFound) as others:
        await bob.get((await ada.create()).id)
    with pytest.raises(NotFound) as nobodys:
        await bob.get(str(uuid4()))
    assert str(others.value).replace(others.value.name, "") == str(nobodys.value).replace(nobodys.value.name, "")


async def test_a_list_shows_and_counts_the_callers_tasks_only(ada: Person, bob: Person) -> None:
    await ada.create("Ada's")
    await bob.create("Bob's")
    for order in ("", "update_time", "due_time", "priority desc", "title"):
        seen = await ada.list(order_by=order)
        assert ([task.title for task in seen.tasks], seen.total_size) == (["Ada's"], 1)


async def test_a_page_token_of_somebody_else_shows_nothing_of_theirs(ada: Person, bob: Person) -> None:
    for number in range(3):
        await ada.create(f"Ada {number}")
        await bob.create(f"Bob {number}")
    token = (await ada.list(page_size=1, order_by="title")).next_page_token
    seen = await bob.list(page_size=10, order_by="title", page_token=token)
    assert {task.owner_id for task in seen.tasks} == {bob.id}


async def test_a_caller_that_is_no_person_has_no_tasks(service: Service) -> None:
    with pytest.raises(Forbidden):
        await service.stub.ListTasks(tasks_pb2.ListTasksRequest(), metadata=bearer(service.issuer.service_token()))
