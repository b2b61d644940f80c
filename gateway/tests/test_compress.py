"""Large answers are compressed as the client accepts it, and none that has a secret in it."""

import json
from typing import Any

import httpx
import pytest
from primetrade.auth.v1 import auth_pb2
from primetrade.tasks.v1 import tasks_pb2

from chassis.errors import Invalid, Violation
from gateway.tests.samples import PUBLIC, SAMPLES
from gateway.tests.test_openapi import API, DOCUMENT
from gateway.tests.upstream import PROFILE, TASK, TASK_ID, Upstream

TASKS = "/api/v1/tasks"
TASK_PATH = f"{TASKS}/{TASK_ID}"
SECRETS = ("accessToken", "refreshToken", "password")


@pytest.fixture
def long_task(upstream: Upstream) -> tasks_pb2.Task:
    """What every method of a task answers with: more than 1 kB."""
    task = tasks_pb2.Task()
    task.CopyFrom(TASK)
    task.description = "Numbers first. " * 600
    for method in ("GetTask", "UpdateTask", "CompleteTask", "CreateTask"):
        upstream.answer(method, task)
    return task


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("GZip", "gzip"), ("gzip, br", "br"), ("gzip, br, zstd", "zstd"),
     ("deflate, gzip;q=0.5", "gzip"), ("*", "zstd"), ("zstd;q=0, *", "br"), ("br;q=0, zstd;q=0.0, gzip", "gzip"),
     ("gzip;q=0.001", "gzip")],
)  # fmt: skip
async def test_what_the_client_accepts_is_used(
    accepted: str, coding: str, client: httpx.AsyncClient, long_task: tasks_pb2.Task
) -> None:
    response = await client.get(TASK_PATH, headers={"accept-encoding": accepted})
    assert response.headers["content-encoding"] == coding
    assert response.headers["etag"] == f'"3-{coding}"'
    assert "accept-encoding" in response.headers["vary"].lower()
    assert int(response.headers["content-length"]) < len(long_task.description)
    assert response.json()["description"] == long_task.description
    headed = await client.head(TASK_PATH, headers={"accept-encoding": accepted})
    for name in ("content-encoding", "content-length", "etag", "vary"):
        assert headed.headers[name] == response.headers[name]


@pytest.mark.parametrize(
    "accepted",
    ["", "identity", "deflate", "gzip;q=0", "*;q=0", "gzip;q=0, *;q=0", "identity;q=0", "gzip;q=x", "gzip;q=",
     "gzip;q=nan", "gzip;q=-1", "gzipped", "x-gzip", ";q=1", ",,", "gzip q=1"],
)  # fmt: skip
async def test_what_the_client_does_not_accept_is_not_used(
    accepted: str, client: httpx.AsyncClient, long_task: tasks_pb2.Task
) -> None:
    response = await client.get(TASK_PATH, headers={"accept-encoding": accepted})
    assert (response.status_code, response.headers["etag"]) == (200, '"3"')
    assert "content-encoding" not in response.headers
    assert "accept-encoding" in response.headers["vary"].lower()


async def test_what_is_small_stays_as_it_is(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.get(TASK_PATH, headers={"accept-encoding": "gzip"})
    assert response.headers["etag"] == '"3"'
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("given", ['"3"', '"3-gzip"', '"3-br"', '"2-gzip", "3-zstd"', 'W/"3-gzip"'])
@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_what_the_client_has_in_any_coding_is_not_sent_again(
    given: str, accepted: str, client: httpx.AsyncClient, long_task: tasks_pb2.Task
) -> None:
    response = await client.get(TASK_PATH, headers={"if-none-match": given, "accept-encoding": accepted})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] in given
    assert "accept-encoding" in response.headers["vary"].lower()
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    "given", ['"2-gzip"', '"3-deflate"', '"-gzip"', '"3-gzip-gzip"', '"gzip"', '"3gzip"', "3-gzip"]
)
async def test_a_tag_of_another_version_or_of_no_coding_is_not_what_there_is(
    given: str, client: httpx.AsyncClient, long_task: tasks_pb2.Task
) -> None:
    assert (await client.get(TASK_PATH, headers={"if-none-match": given})).status_code == 200


async def test_a_change_may_name_the_tag_of_a_compressed_answer(
    client: httpx.AsyncClient, long_task: tasks_pb2.Task, upstream: Upstream
) -> None:
    read = await client.get(TASK_PATH, headers={"accept-encoding": "gzip"})
    condition = {"if-match": read.headers["etag"], "accept-encoding": "br"}
    changed = await client.patch(TASK_PATH, json={"title": "x"}, headers=condition)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"3-br"')
    assert upstream.last("UpdateTask").request.task.etag == "3"
    assert (await client.patch(TASK_PATH, json={}, headers=condition)).status_code == 200
    assert (await client.delete(TASK_PATH, headers=condition)).status_code == 204
    assert upstream.last("DeleteTask").request.etag == "3"
    refused = await client.patch(TASK_PATH, json={}, headers={"if-match": '"2-gzip"'})
    assert refused.status_code == 412


@pytest.mark.parametrize("name", PUBLIC)
async def test_no_answer_with_a_token_is_compressed(name: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    tokens = auth_pb2.TokenSet(access_token="a" * 4000, refresh_token="r" * 4000)
    account = auth_pb2.Account(id=PROFILE.id, name="Ada", email=PROFILE.email, create_time=PROFILE.create_time)
    upstream.answer("Register", auth_pb2.RegisterResponse(account=account, tokens=tokens))
    upstream.answer("Login", auth_pb2.LoginResponse(account=account, tokens=tokens))
    upstream.answer("Refresh", auth_pb2.RefreshResponse(tokens=tokens))
    response = await client.post(SAMPLES[name].path, json=SAMPLES[name].body, headers={"accept-encoding": "gzip, br"})
    assert response.status_code == SAMPLES[name].status
    assert "content-encoding" not in response.headers


def test_every_answer_with_a_secret_is_one_of_those() -> None:
    telling = {
        name
        for name, operation in API.items()
        for status, response in operation["responses"].items()
        if int(status) < 300 and any(f'"{secret}"' in json.dumps(_resolved(response)) for secret in SECRETS)
    }
    assert telling == {"register", "login", "refresh"} <= set(PUBLIC)


async def test_a_problem_that_repeats_what_was_sent_is_not_compressed(
    client: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.answer("CreateTask", Invalid([Violation(f"field{n}", "must not be") for n in range(50)]))
    response = await client.post(TASKS, json={"title": "x"}, headers={"accept-encoding": "gzip"})
    assert (response.status_code, len(response.content) > 1024) == (422, True)
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    ("path", "coding"), [("/openapi.json", "gzip"), ("/metrics", "gzip"), ("/docs/swagger-ui.css", None)]
)
async def test_what_is_no_answer_of_a_service_is_compressed_if_it_is_no_asset(
    path: str, coding: str | None, anonymous: httpx.AsyncClient
) -> None:
    response = await anonymous.get(path, headers={"accept-encoding": "gzip"})
    assert response.headers.get("content-encoding") == coding


def _resolved(node: Any) -> Any:
    """The document below the node with its references followed."""
    if isinstance(node, dict):
        if "$ref" in node:
            return _resolved(DOCUMENT["components"]["schemas"][node["$ref"].rpartition("/")[2]])
        return {name: _resolved(value) for name, value in node.items()}
    return [_resolved(value) for value in node] if isinstance(node, list) else node
