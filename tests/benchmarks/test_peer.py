"""The monolith answers what the harness relies upon: same paths, statuses and fields as the gateway; what is wrong is
refused. Like every engine it is the real one, on the run's MongoDB."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from benchmarks.monolith.operations import FILTERED, LOGIN, ME, PASSWORD, TASKS
from benchmarks.monolith.peer import Peer, running_peer
from chassis.testing.engines import Engines
from chassis.testing.http import http_client
from gateway.schemas.tasks import FIELDS, TaskList
from gateway.schemas.users import Profile

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def peer(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A monolith with a database of its own; its hashes are cheap."""
    folder = tmp_path_factory.mktemp("peer")
    with running_peer(engines.mongo_url, folder, {"BCRYPT_ROUNDS": "4"}, f"peer-{uuid4().hex}") as peer:
        yield peer


@pytest.fixture
async def ada(peer: Peer) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has just registered."""
    async with registered(peer) as client:
        yield client


def registered(peer: Peer) -> httpx.AsyncClient:
    who = {"name": "Ada Lovelace", "email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    answer = httpx.post(f"{peer.url}/api/v1/auth/register", json=who, trust_env=False, timeout=120)
    assert answer.status_code == 201
    assert answer.json()["user"]["email"] == who["email"]
    return http_client(peer.url, headers={"authorization": f"Bearer {answer.json()['accessToken']}"})


async def created(client: httpx.AsyncClient, **fields: str) -> dict[str, Any]:
    answer = await client.post(TASKS, json={"title": "Write the annual report", **fields})
    assert answer.status_code == 201
    task: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{TASKS}/{task['id']}"
    return task


async def test_a_person_logs_in_and_is_who_they_are(peer: Peer, ada: httpx.AsyncClient) -> None:
    me = (await ada.get(ME)).json()
    assert set(me) == {field.alias or name for name, field in Profile.model_fields.items()}
    answer = await ada.post(LOGIN, json={"email": me["email"], "password": PASSWORD})
    assert (answer.status_code, answer.json()["user"]["id"]) == (200, me["id"])
    assert (await ada.post(LOGIN, json={"email": me["email"], "password": "another"})).status_code == 401
    again = {"name": "Ada", "email": me["email"], "password": PASSWORD}
    assert (await ada.post("/api/v1/auth/register", json=again)).status_code == 409


async def test_a_task_lives_as_at_the_gateway(ada: httpx.AsyncClient) -> None:
    task = await created(ada, priority="high", dueDate="2031-01-31T17:00:00.000Z")
    path = f"{TASKS}/{task['id']}"
    assert set(task) == set(FIELDS)
    assert (task["status"], task["priority"], task["dueDate"]) == ("pending", "high", "2031-01-31T17:00:00.000Z")
    assert (await ada.get(path)).json() == task
    changed = (await ada.patch(path, json={"title": "Read it", "dueDate": None})).json()
    assert changed == {**task, "title": "Read it", "dueDate": None, "updatedAt": changed["updatedAt"]}
    completed = (await ada.post(f"{path}/complete")).json()
    assert completed["status"] == "completed"
    assert completed["completedAt"]
    assert (await ada.post(f"{path}/complete")).json() == completed
    assert [(await ada.delete(path)).status_code for _ in range(2)] == [204, 404]


async def test_a_task_that_has_not_changed_is_not_sent_again(ada: httpx.AsyncClient) -> None:
    path = f"{TASKS}/{(await created(ada))['id']}"
    tag = {"if-none-match": (await ada.get(path)).headers["etag"]}
    assert (await ada.get(path, headers=tag)).status_code == 304
    await ada.patch(path, json={"title": "Another"})
    assert (await ada.get(path, headers=tag)).status_code == 200


async def test_a_list_has_pages_filters_and_chosen_fields(ada: httpx.AsyncClient) -> None:
    titles = [(await created(ada, title=f"Report {number}"))["title"] for number in range(23)]
    for _ in range(2):
        await created(ada, priority="low")
    page = (await ada.get(f"{TASKS}?limit=20&priority=medium")).json()
    names = {field.alias or name for name, field in TaskList.model_fields.items()}
    assert set(page) == names - {"nextPageToken"}
    assert (page["page"], page["totalPages"], page["total"]) == (1, 2, 23)
    rest = (await ada.get(f"{TASKS}?limit=20&priority=medium&page=2")).json()["tasks"]
    assert [task["title"] for task in [*page["tasks"], *rest]] == titles[::-1]
    filtered = (await ada.get(f"{TASKS}?limit=20&{FILTERED}")).json()
    assert filtered["total"] == 23
    assert all(set(task) == {"id", "title", "status", "dueDate"} for task in filtered["tasks"])


async def test_what_is_somebody_elses_is_not_found(peer: Peer, ada: httpx.AsyncClient) -> None:
    path = f"{TASKS}/{(await created(ada))['id']}"
    async with registered(peer) as other:
        answers = [
            await other.get(path),
            await other.patch(path, json={"title": "Mine"}),
            await other.post(f"{path}/complete"),
            await other.delete(path),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert (await other.get(TASKS)).json()["total"] == 0


@pytest.mark.parametrize("token", ["", "Bearer x.y.z", "Basic YTpi"])
async def test_who_does_not_say_who_they_are_is_refused(peer: Peer, token: str) -> None:
    async with http_client(peer.url, headers={"authorization": token} if token else {}) as nobody:
        assert [(await nobody.get(path)).status_code for path in (ME, TASKS)] == [401, 401]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": "x" * 201},
        {"title": ["x"] * 2},
        {"title": "x", "status": "done"},
        {"title": "x", "priority": 3},
        {"title": "x", "dueDate": "soon"},
        {"title": "x", "user": "6b0931fd82f876e4447a8621"},
        {"title": "x", "$where": "1"},
    ],
    ids=str,
)
async def test_a_wrong_task_is_refused_field_by_field(ada: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await ada.post(TASKS, json=body)
    assert answer.status_code == 422
    assert all(error["field"] and error["message"] for error in answer.json()["errors"])
    assert (await ada.get(TASKS)).json()["total"] == 0


@pytest.mark.parametrize(
    "body", [{"status": "done"}, {"title": ""}, {"title": None}, {"createdAt": "2031-01-01"}], ids=str
)
async def test_a_wrong_change_is_refused(ada: httpx.AsyncClient, body: dict[str, Any]) -> None:
    task = await created(ada)
    assert (await ada.patch(f"{TASKS}/{task['id']}", json=body)).status_code == 422
    assert (await ada.get(f"{TASKS}/{task['id']}")).json() == task


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=101", "limit=x", "page=0", "page=1.5", "sort=user", "status=done",
        "status=pending&status=done", "priority[$ne]=low", "fields=password", "user=1",
    ],
)  # fmt: skip
async def test_a_wrong_query_is_refused(ada: httpx.AsyncClient, query: str) -> None:
    assert (await ada.get(f"{TASKS}?{query}")).status_code == 422


@pytest.mark.parametrize(
    "body", [{}, {"email": "x@example.com"}, {"email": {"$gt": ""}, "password": PASSWORD}], ids=str
)
async def test_wrong_credentials_are_refused(ada: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await ada.post(LOGIN, json=body)).status_code == 422


async def test_what_cannot_be_read_and_what_is_not_there_is_said(peer: Peer, ada: httpx.AsyncClient) -> None:
    answer = await ada.post(TASKS, content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert (await ada.get("/api/v1/nothing")).status_code == 404
    assert (await ada.get(f"{TASKS}/no-id")).status_code == 404


async def test_the_limit_is_there(engines: Engines, tmp_path: Path) -> None:
    with running_peer(engines.mongo_url, tmp_path, {"RATE_LIMIT": "2"}, f"peer-{uuid4().hex}") as peer:
        async with http_client(peer.url) as client:
            assert [(await client.get(ME)).status_code for _ in range(3)] == [401, 401, 429]
