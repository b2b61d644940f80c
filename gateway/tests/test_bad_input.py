"""Whatever is not as documented is refused with the right status, naming what and why; nothing reaches a service."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chassis.errors import Invalid, Violation
from gateway.tests.samples import SAMPLES
from gateway.tests.upstream import NOTIFICATION_ID, TASK_ID, Upstream

TASKS = "/api/v1/tasks"
TASK = f"{TASKS}/{TASK_ID}"
INBOX = "/api/v1/notifications"
JSON = {"content-type": "application/json"}

UNREADABLE = {
    "nothing": b"",
    "half": b'{"title": "x"',
    "trailing comma": b'{"title": "x",}',
    "single quotes": b"{'title': 'x'}",
    "comment": b'{"title": "x"} // y',
    "two documents": b'{"title": "x"}{"title": "y"}',
    "NaN": b'{"title": NaN}',
    "Infinity": b'{"title": -Infinity}',
    "a name twice": b'{"title": "x", "title": "y"}',
    "a name twice inside": b'{"title": {"a": 1, "a": 2}}',
    "invalid UTF-8": b'{"title": "\xff"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"title": "x"}',
    "lone surrogate": rb'{"title": "\ud800"}',
    "surrogate in a name": rb'{"\udfff": "x"}',
    "NUL": rb'{"title": "a\u0000b"}',
    "raw NUL": b'{"title": "a\x00b"}',
    "raw newline": b'{"title": "a\nb"}',
    "a list": b'[{"title": "x"}]',
    "a string": b'"title"',
    "null": b"null",
    "a float beyond use": b'{"title": 1e400}',
    "a negative one inside": b'{"title": [-1e400]}',
    "minus NaN": b'{"title": -NaN}',
    "an overlong string": b'{"title": "%s"}' % (b"x" * 32_769),
    "an overlong name": b'{"%s": 1}' % (b"x" * 32_769),
    "an overlong string inside": b'{"title": [["%s"]]}' % (b"x" * 32_769),
    "more values than any document has": b'{"title": [%s0]}' % (b"0," * 1_000),
    "the same over many objects": b'{"title": [%s0]}' % (b'{"a": 0},' * 400),
    "surrogates in the wrong order": rb'{"title": "\udc00\ud800"}',
    "half a surrogate pair inside": rb'{"title": [{"a": "\ud83d"}]}',
    "overlong UTF-8": b'{"title": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"title": "\xed\xa0\x80"}',
    "a name twice, once escaped": rb'{"title": "x", "\u0074itle": "y"}',
    "NUL in a name": rb'{"a\u0000": "x"}',
    "deep without escapes": b'{"title": ' + b"[" * 40 + b"]" * 40 + b"}",
    "deep objects": b'{"a": ' * 40 + b"0" + b"}" * 40,
    "a number beyond use": b'{"title": ' + b"9" * 5000 + b"}",
    "more names than any document has": b"{%s}" % b",".join(b'"%d":0' % n for n in range(101)),
    "the same inside": b'{"title": {%s}}' % b",".join(b'"%d":0' % n for n in range(101)),
    "deep": b"[" * 50_000,
    "deep with escapes": rb'{"title": ' + b"[" * 40 + rb'"\n\u0041"' + b"]" * 40 + b"}",
}


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_a_body_that_cannot_be_read_is_400(kind: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.post(TASKS, content=UNREADABLE[kind], headers=JSON)
    assert response.status_code == 400, response.text
    assert not upstream.received


async def test_a_pair_of_surrogates_is_a_character(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.post(TASKS, content=rb'{"title": "\ud83d\ude00"}', headers=JSON)
    assert response.status_code == 201
    assert upstream.last("CreateTask").request.task.title == "\U0001f600"


async def test_what_is_large_but_sane_is_told_field_by_field(client: httpx.AsyncClient, upstream: Upstream) -> None:
    sane = {"a" * 32_768: 0, "b": "x" * 32_768, "c": list(range(800)), "d": [[[[[[[[[[1.5e308]]]]]]]]]]}
    response = await client.post(TASKS, json={"title": "x", **sane})
    assert (response.status_code, len(response.json()["errors"])) == (422, 4)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json; charset=latin-1",
     "application/merge-patch+json", "application/problem+json", "nonsense"],
)  # fmt: skip
async def test_a_body_that_is_not_json_is_415(content_type: str, client: httpx.AsyncClient) -> None:
    response = await client.post(TASKS, content=b'{"title": "x"}', headers={"content-type": content_type})
    assert response.status_code == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "Application/JSON"])
async def test_json_may_say_that_it_is_utf_8(content_type: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.post(TASKS, content='{"title": "é"}'.encode(), headers={"content-type": content_type})
    assert response.status_code == 201


async def test_a_patch_may_be_called_a_merge_patch(client: httpx.AsyncClient, upstream: Upstream) -> None:
    headers = {"content-type": "application/merge-patch+json"}
    assert (await client.patch(TASK, content=b'{"title": "x"}', headers=headers)).status_code == 200


async def test_a_body_over_the_limit_is_413(client: httpx.AsyncClient, upstream: Upstream) -> None:
    body = b'{"title": "x", "description": "' + b"y" * 1_048_576 + b'"}'
    assert (await client.post(TASKS, content=body, headers=JSON)).status_code == 413
    assert not upstream.received


async def test_a_body_over_the_limit_is_413_without_a_length_too(client: httpx.AsyncClient, upstream: Upstream) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 65_536

    assert (await client.post(TASKS, content=chunks(), headers=JSON)).status_code == 413
    assert not upstream.received


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "identity, gzip", "x"])
async def test_a_body_in_a_coding_is_415(coding: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.post(TASKS, json={"title": "x"}, headers={"content-encoding": coding})
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")
    assert not upstream.received
    response = await client.post(TASKS, content=b"{}", headers={"content-type": "text/plain"})
    assert "accept-encoding" not in response.headers


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_identity_is_no_coding(coding: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    assert (await client.post(TASKS, json={"title": "x"}, headers={"content-encoding": coding})).status_code == 201


BODILESS = [
    (sample.method, sample.path, sample.status) for sample in SAMPLES.values() if sample.body is None and sample.rpc
]


@pytest.mark.parametrize(("method", "path", "status"), BODILESS)
async def test_what_has_no_body_takes_none(
    method: str, path: str, status: int, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def chunks(size: int, part: bytes) -> AsyncIterator[bytes]:
        for _ in range(size):
            yield part

    bodies: list[tuple[Any, int]] = [
        (b"", status), (b"{}", status), (chunks(0, b""), status), (chunks(1, b" {}"), status),
        (b'{"x": 1}', 400), (b"x", 400), (chunks(3, b"{}"), 400), (chunks(33, b" " * 65_536), 413),
    ]  # fmt: skip
    for body, expected in bodies:
        upstream.received.clear()
        assert (await client.request(method, path, content=body)).status_code == expected
        assert bool(upstream.received) == (expected == status)


async def test_a_body_without_a_length_is_read(client: httpx.AsyncClient, upstream: Upstream) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for part in (b'{"title"', b': "in ', b'parts"}'):
            yield part

    assert (await client.post(TASKS, content=chunks(), headers=JSON)).status_code == 201
    assert upstream.last("CreateTask").request.task.title == "in parts"


VIOLATIONS: dict[str, tuple[str, str, dict[str, Any], dict[str, str]]] = {
    "nothing given": ("POST", TASKS, {}, {"title": "is required"}),
    "all at once": (
        "POST",
        TASKS,
        {"title": " ", "description": 1, "status": "done", "priority": None, "dueDate": "soon", "colour": "red"},
        {
            "title": "must not be empty",
            "description": "must be a string",
            "status": "must be pending, in-progress or completed",
            "priority": "must be low, medium or high",
            "dueDate": "must be a date and time with offset as RFC 3339 has it: 2030-01-31T17:00:00Z",
            "colour": "is not known here",
        },
    ),
    "too long": (
        "POST",
        TASKS,
        {"title": "x" * 201, "description": "y" * 10_001},
        {"title": "must have at most 200 characters", "description": "must have at most 10,000 characters"},
    ),
    "too long by spaces": (
        "POST",
        TASKS,
        {"title": "x" * 199 + "  ", "description": "\r\n" * 5_001},
        {"title": "must have at most 200 characters", "description": "must have at most 10,000 characters"},
    ),
    "controls": (
        "POST",
        TASKS,
        {"title": "a\tb", "description": "a\x1bb"},
        {
            "title": "must not contain control characters",
            "description": "must not contain control characters other than tab and newline",
        },
    ),
    "the contract's names": ("POST", TASKS, {"title": "x", "due_date": None}, {"due_date": "is not known here"}),
    "what the server sets": ("PATCH", TASK, {"id": TASK_ID}, {"id": "is not known here"}),
    "no title": ("PATCH", TASK, {"title": None}, {"title": "must be a string"}),
    "no status": ("PATCH", TASK, {"status": None}, {"status": "must be pending, in-progress or completed"}),
    "a string for a boolean": (
        "PATCH",
        f"{INBOX}/{NOTIFICATION_ID}",
        {"read": "true"},
        {"read": "must be true or false"},
    ),
    "a number for a boolean": ("PATCH", f"{INBOX}/{NOTIFICATION_ID}", {"read": 1}, {"read": "must be true or false"}),
    "an empty patch of the inbox": ("PATCH", f"{INBOX}/{NOTIFICATION_ID}", {}, {"read": "is required"}),
    "nothing to be seen": (
        "POST",
        TASKS,
        {"title": "\u200b", "description": "\u200b"},
        {"title": "must have a visible character"},
    ),
    "a name that cannot be seen": (
        "PATCH",
        "/api/v1/users/me",
        {"name": "\u2060 \u3164"},
        {"name": "must have a visible character"},
    ),
    "no name": ("PATCH", "/api/v1/users/me", {"name": ""}, {"name": "must not be empty"}),
    "another's mail": ("PATCH", "/api/v1/users/me", {"email": "b@example.com"}, {"email": "is not known here"}),
    "registration": (
        "POST",
        "/api/v1/auth/register",
        {"name": "", "email": "nobody", "password": "short", "roles": ["admin"]},
        {
            "name": "must not be empty",
            "email": "must be an email address",
            "password": "must have at least 8 characters",
            "roles": "is not known here",
        },
    ),
    "login": ("POST", "/api/v1/auth/login", {"email": 5}, {"email": "must be a string", "password": "is required"}),
    "refresh": ("POST", "/api/v1/auth/refresh", {"refresh_token": "x"},
                {"refreshToken": "is required", "refresh_token": "is not known here"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", VIOLATIONS)
async def test_every_violated_field_is_named_at_once(kind: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    method, path, body, expected = VIOLATIONS[kind]
    response = await client.request(method, path, json=body)
    assert response.status_code == 422
    assert {error["field"]: error["message"] for error in response.json()["errors"]} == expected
    assert not upstream.received


async def test_many_violations_are_counted_but_not_all_named(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.post("/api/v1/auth/login", json=dict.fromkeys((f"n{n}" for n in range(100)), 0))
    problem = response.json()
    assert (response.status_code, problem["detail"]) == (422, "102 field(s) break rules; the first 50 are named")
    assert len(problem["errors"]) == 50


async def test_many_violations_of_a_service_are_not_all_named_either(
    client: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.answer("CreateTask", Invalid([Violation(f"f{n}", "must not be") for n in range(51)]))
    response = await client.post(TASKS, json={"title": "x"})
    assert (response.status_code, len(response.json()["errors"])) == (422, 50)


QUERIES = {
    f"{TASKS}?limit=0": {"limit": "must be at least 1"},
    f"{TASKS}?limit=101": {"limit": "must be at most 100"},
    f"{TASKS}?limit=1.0": {"limit": "must be a whole number"},
    f"{TASKS}?limit=-1": {"limit": "must be a whole number"},
    f"{TASKS}?limit=1_0": {"limit": "must be a whole number"},
    f"{TASKS}?limit=+5": {"limit": "must be a whole number"},
    f"{TASKS}?limit=": {"limit": "must be a whole number"},
    f"{TASKS}?limit=%D9%A1": {"limit": "must be a whole number"},
    f"{TASKS}?page=0": {"page": "must be at least 1"},
    f"{TASKS}?page=99999999999999999999": {"page": "must be a whole number"},
    f"{TASKS}?page=10002": {"page": "must be at most 10001"},
    f"{TASKS}?page=102&limit=100": {"page": "must not lie beyond the first 10,000 tasks: read on by pageToken"},
    f"{TASKS}?page=2&pageToken=x": {"page": "must not be given together with pageToken"},
    f"{TASKS}?sort=owner": {
        "sort": "must be createdAt, -createdAt, updatedAt, -updatedAt, dueDate, -dueDate, "
        "priority, -priority, title or -title"
    },
    f"{TASKS}?status=done&priority=urgent": {
        "status": "must be pending, in-progress or completed",
        "priority": "must be low, medium or high",
    },
    f"{TASKS}?status=": {"status": "must be pending, in-progress or completed"},
    f"{TASKS}?fields=title,owner": {
        "fields": "must be a comma-separated list of id, title, description, status, priority, dueDate, "
        "createdAt, updatedAt, completedAt"
    },
    f"{TASKS}?fields=": {
        "fields": "must be a comma-separated list of id, title, description, status, priority, dueDate, "
        "createdAt, updatedAt, completedAt"
    },
    f"{TASKS}?limit=5&limit=5&colour=red": {"limit": "must be given once", "colour": "is not known here"},
    f"{TASKS}?page_token=x": {"page_token": "is not known here"},
    f"{TASKS}?colour=red&colour=blue": {"colour": "must be given once"},
    f"{TASK}?fields=title": {"fields": "is not known here"},
    f"{INBOX}?limit=500&page=2": {"limit": "must be at most 100", "page": "is not known here"},
    "/api/v1/users/me?verbose": {"verbose": "is not known here"},
}


@pytest.mark.parametrize("path", QUERIES)
async def test_every_violated_parameter_is_named_at_once(
    path: str, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    response = await client.get(path)
    assert response.status_code == 422
    assert {error["field"]: error["message"] for error in response.json()["errors"]} == QUERIES[path]
    assert not upstream.received


@pytest.mark.parametrize("query", ["status=%FF", "status=%00", "&".join(f"a{n}=1" for n in range(60))])
async def test_a_query_that_cannot_be_read_is_400(query: str, client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{TASKS}?{query}")).status_code == 400


DATES = [
    "2030-01-31", "2030-01-31T17:00:00", "2030-01-31 17:00:00Z", "2030-01-31T17:00Z", "2030-02-30T17:00:00Z",
    "2030-01-31T24:00:00Z", "2030-01-31T17:00:60Z", "2016-12-31T23:59:60Z", "2030-01-31T17:00:00+0100",
    "2030-01-31T17:00:00+24:00", "2030-1-31T17:00:00Z", "20300131T170000Z", "2030-W05-4T17:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "2030-01-31T17:00:00.Z", "２０３０-01-31T17:00:00Z",
    "tomorrow", "", 1896109200, 1896109200.5, True, ["2030-01-31T17:00:00Z"], {"$date": 0},
]  # fmt: skip


@pytest.mark.parametrize("value", DATES, ids=str)
async def test_only_a_moment_with_an_offset_is_a_date(
    value: object, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    response = await client.post(TASKS, json={"title": "x", "dueDate": value})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["dueDate"]


IDS = [
    "1", "me", "0194c0de7a3b7cc29d3e0f6d8f3a2b11", "{0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11}", "%00", "%FF", "..%2f",
    "a b", "urn:uuid:0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11", "0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b1g", "’",
]  # fmt: skip


@pytest.mark.parametrize("name", IDS)
async def test_an_id_that_is_none_names_nothing(name: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    for method, path in [
        ("GET", f"{TASKS}/{name}"),
        ("DELETE", f"{TASKS}/{name}"),
        ("POST", f"{TASKS}/{name}/complete"),
    ]:
        response = await client.request(method, path)
        assert response.status_code == 404, response.text
    for path in (f"{TASKS}/{name}", f"{INBOX}/{name}"):
        assert (await client.patch(path, json={})).status_code == 404
    assert not upstream.received


@pytest.mark.parametrize("value", ["3", "3, 4", '"3", "4"', "'3'", '"a', ""])
async def test_an_if_match_that_is_none_is_refused(value: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.patch(TASK, json={"title": "x"}, headers={"if-match": value})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["If-Match"]
    assert not upstream.received


async def test_two_if_matches_are_one_too_many(client: httpx.AsyncClient, upstream: Upstream) -> None:
    headers = [("if-match", '"3"'), ("if-match", '"4"')]
    assert (await client.patch(TASK, json={"title": "x"}, headers=headers)).status_code == 422
    assert not upstream.received
