"""The demo's client behaves, and the demo says what to do when nothing runs."""

import httpx
import pytest

from chassis.testing.ports import free_port
from deploy.local.demo import __main__ as demo
from deploy.local.demo.client import Api, Unexpected
from deploy.local.demo.people import DUE_SOON, TASKS, Cast


def _api(*answers: httpx.Response) -> tuple[Api, list[httpx.Request]]:
    left, seen = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return left.pop(0)

    return Api(httpx.AsyncClient(base_url="http://suite", transport=httpx.MockTransport(answer))), seen


async def test_waits_when_told_to_and_repeats_under_the_same_key() -> None:
    busy = httpx.Response(429, headers={"retry-after": "0"})
    api, seen = _api(busy, httpx.Response(503, headers={"retry-after": "0"}), httpx.Response(201, json={"id": "1"}))
    assert await api.post("/tasks", {"title": "x"}) == {"id": "1"}
    assert len({request.headers["idempotency-key"] for request in seen}) == 1
    assert [str(request.url) for request in seen] == ["http://suite/api/v1/tasks"] * 3


async def test_another_status_is_told_with_the_answer() -> None:
    api, _ = _api(httpx.Response(404, text="no such task"))
    with pytest.raises(Unexpected, match="GET /tasks/1: 404 instead of 200: no such task"):
        await api.get("/tasks/1")


async def test_follows_the_cursor() -> None:
    api, seen = _api(
        httpx.Response(200, json={"tasks": [{"id": "1"}], "nextPageToken": "n"}),
        httpx.Response(200, json={"tasks": [{"id": "2"}], "nextPageToken": None}),
    )
    assert [task["id"] async for task in api.pages("/tasks", {"limit": 1}, "tasks")] == ["1", "2"]
    assert [dict(request.url.params) for request in seen] == [{"limit": "1"}, {"limit": "1", "pageToken": "n"}]


def test_the_cast_is_the_same_in_every_run_but_for_the_addresses() -> None:
    first, second = Cast("a"), Cast("b")
    one, other = first.person(), second.person()
    assert (one.name, one.password) == (other.name, other.password)
    assert one.email != other.email
    tasks = first.tasks()
    assert len(tasks) == TASKS
    assert sum((task.due - tasks[0].due).days < 1 for task in tasks) == DUE_SOON


def test_says_how_to_start_the_suite(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GATEWAY_PORT", str(free_port()))
    with pytest.raises(SystemExit) as end:
        demo.main()
    assert end.value.code == 1
    assert "make start" in capsys.readouterr().out
