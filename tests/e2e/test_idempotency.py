"""A client that repeats what it could not be told of, with the same Idempotency-Key, gets what it asked for, once."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from chassis.testing.eventually import eventually
from deploy.local.testing import RunningSuite
from tests.e2e.conftest import Person
from tests.e2e.test_events import reading

CREATES = 40


async def test_creates_cut_by_a_kill_are_made_once_by_their_repeats(suite: RunningSuite, ada: Person) -> None:
    titles = {str(uuid4()): f"Task {number}" for number in range(CREATES)}

    async def create(key: str) -> httpx.Response:
        return await ada.call("POST", "/tasks", json={"title": titles[key]}, headers={"idempotency-key": f'"{key}"'})

    asked = [asyncio.create_task(create(key)) for key in titles]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    suite.kill("tasks")
    cut = await asyncio.gather(*asked)
    assert {answer.status_code for answer in cut} <= {201, 503, 504}
    suite.restart("tasks")

    async def all_created() -> list[dict[str, Any]]:
        answers = await asyncio.gather(*(create(key) for key in titles))
        return [answer.json() for answer in answers] if {answer.status_code for answer in answers} == {201} else []

    tasks = await eventually(all_created, "every create answered")
    assert [task["title"] for task in tasks] == list(titles.values())
    told = [(first.json(), task) for first, task in zip(cut, tasks, strict=True) if first.status_code == 201]
    assert [first for first, _ in told] == [task for _, task in told]
    listed = (await ada.call("GET", "/tasks", params={"limit": 100, "sort": "createdAt"})).json()
    assert listed["total"] == CREATES
    assert {task["id"] for task in listed["tasks"]} == {task["id"] for task in tasks}
    async with reading(suite, "primetrade.tasks.v1") as of:
        for task in tasks:
            records = await of(task["id"], 1)
            assert len({dict(record.headers)["ce_id"] for record in records}) == 1


async def test_a_key_has_one_effect_one_request_and_an_end(ada: Person, eve: Person) -> None:
    headers = {"idempotency-key": str(uuid4())}
    body = {"title": "Write the report", "dueDate": "2030-02-15T18:00:00+01:00"}
    first = await ada.call("POST", "/tasks", json=body, headers=headers)
    same = {"dueDate": "2030-02-15T17:00:00Z", "title": " Write the report "}
    again = await ada.call("POST", "/tasks", json=same, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert (again.headers["location"], again.headers["etag"]) == (first.headers["location"], first.headers["etag"])

    other = await ada.call("POST", "/tasks", json={**body, "priority": "high"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")
    assert [error["field"] for error in other.json()["errors"]] == ["Idempotency-Key"]
    theirs = await eve.call("POST", "/tasks", json=body, headers=headers)
    assert (theirs.status_code, theirs.json()["id"] != first.json()["id"]) == (201, True)

    path = f"/tasks/{first.json()['id']}"
    done = await ada.call("POST", f"{path}/complete", headers={**headers, "if-match": '"1"'})
    reopened = await ada.call("PATCH", path, json={"status": "pending"})
    late = await ada.call("POST", f"{path}/complete", headers={**headers, "if-match": '"1"'})
    assert (done.status_code, late.status_code, late.json()) == (200, 200, reopened.json())

    assert (await ada.call("DELETE", path)).status_code == 204
    gone = await ada.call("POST", "/tasks", json=body, headers=headers)
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    assert (await ada.call("POST", f"{path}/complete", headers={**headers, "if-match": '"1"'})).status_code == 410
    assert (await ada.call("GET", "/tasks")).json()["total"] == 0
