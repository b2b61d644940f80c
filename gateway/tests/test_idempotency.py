"""The header Idempotency-Key: what a service is given of it, and what its refusals look like."""

import httpx
import pytest
from primetrade.tasks.v1 import tasks_pb2

from chassis.errors import Gone, Invalid, KeyReused, Violation
from gateway.tests.samples import PUBLIC, SAMPLES
from gateway.tests.upstream import TASK_ID, Upstream

TASKS = "/api/v1/tasks"
COMPLETE = f"{TASKS}/{TASK_ID}/complete"
UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"
KEYS = {
    f'"{UUID}"': UUID,
    UUID: UUID,
    '"with a space, a comma; and a semicolon"': "with a space, a comma; and a semicolon",
    r'"a \"quote\" and a \\"': 'a "quote" and a \\',
    '" "': " ",
    "x": "x",
    "order:17/2+a=b~*": "order:17/2+a=b~*",
    "a\\b": "a\\b",
    "k" * 255: "k" * 255,
    f'"{"k" * 255}"': "k" * 255,
    '"' + '\\"' * 255 + '"': '"' * 255,
}
NO_KEYS = [
    "", '""', '"', '"half', 'half"', 'in"side', '"a" "b"', '"a", "b"', "a,b", "a b", "a;v=1", '"a";v=1', "'a b'",
    r'"\n"', '"a\\"', '"tab\tinside"', '"é"', "é", "漢", ":YWJj;", "k" * 256, f'"{"k" * 256}"', f'"{"k" * 10_000}"',
]  # fmt: skip


@pytest.mark.parametrize("given", KEYS)
async def test_a_key_goes_along_as_the_request_id_with_quotes_or_without(
    given: str, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    headers = {"idempotency-key": given}
    assert (await client.post(TASKS, json={"title": "x"}, headers=headers)).status_code == 201
    assert upstream.last("CreateTask").request.request_id == KEYS[given]
    assert (await client.post(COMPLETE, headers={**headers, "if-match": '"2"'})).status_code == 200
    expected = tasks_pb2.CompleteTaskRequest(id=TASK_ID, etag="2", request_id=KEYS[given])
    assert upstream.last("CompleteTask").request == expected


async def test_without_a_key_there_is_no_request_id(client: httpx.AsyncClient, upstream: Upstream) -> None:
    await client.post(TASKS, json={"title": "x"})
    assert upstream.last("CreateTask").request.request_id == ""


@pytest.mark.parametrize("given", NO_KEYS, ids=range(len(NO_KEYS)))
async def test_a_key_that_is_none_is_refused(given: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    headers = {b"idempotency-key": given.encode()}
    for response in (
        await client.post(TASKS, json={"title": "x"}, headers=headers),
        await client.post(COMPLETE, headers=headers),
    ):
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == ["Idempotency-Key"]
    assert not upstream.received


async def test_a_key_is_given_once(client: httpx.AsyncClient, upstream: Upstream) -> None:
    headers = [("idempotency-key", "a"), ("Idempotency-Key", "a")]
    response = await client.post(TASKS, json={"title": "x"}, headers=headers)
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "Idempotency-Key", "message": "must be given once"}]
    assert not upstream.received


IGNORANT = [name for name, sample in SAMPLES.items() if sample.method != "POST" or name in PUBLIC]


@pytest.mark.parametrize("name", IGNORANT)
async def test_whatever_is_said_for_a_key_is_ignored_elsewhere(
    name: str, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    sample = SAMPLES[name]
    response = await client.request(sample.method, sample.path, json=sample.body, headers={"idempotency-key": '"'})
    assert response.status_code == sample.status


async def test_a_key_of_another_request_is_named_by_its_header(client: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.answer("CreateTask", KeyReused())
    response = await client.post(TASKS, json={"title": "x"}, headers={"idempotency-key": UUID})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "key-reused")
    assert problem["errors"] == [{"field": "Idempotency-Key", "message": "came with another request before"}]
    upstream.answer("CreateTask", Invalid([Violation("request_id", "must be nicer")]))
    response = await client.post(TASKS, json={"title": "x"}, headers={"idempotency-key": UUID})
    assert (response.json()["code"], response.json()["errors"][0]["field"]) == ("invalid", "Idempotency-Key")


async def test_a_repeat_for_what_is_deleted_is_410(client: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.answer("CreateTask", Gone("task", TASK_ID))
    response = await client.post(TASKS, json={"title": "x"}, headers={"idempotency-key": UUID})
    assert (response.status_code, response.json()["code"]) == (410, "gone")
