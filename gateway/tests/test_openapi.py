"""The OpenAPI document is valid, complete and true."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from chassis.errors import (
    AlreadyExists,
    DeadlineExceeded,
    Exhausted,
    Gone,
    NotFound,
    Unauthenticated,
    Unavailable,
    VersionMismatch,
)
from gateway.app import ROUTES
from gateway.openapi.__main__ import PLACE, written
from gateway.openapi.document import document
from gateway.tests.contract import Contract
from gateway.tests.samples import PUBLIC, SAMPLES, Sample
from gateway.tests.upstream import TASK_ID, Upstream

DOCUMENT = document(ROUTES)
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: {**operation, "method": method.upper(), "path": path}
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
API = {name: operation for name, operation in OPERATIONS.items() if operation["path"].startswith("/api/")}
RAISED = {
    404: NotFound("task", TASK_ID),
    409: AlreadyExists("account", "ada@example.com"),
    410: Gone("task", TASK_ID),
    412: VersionMismatch("task", TASK_ID),
    429: Exhausted("too many attempts", 7),
    500: RuntimeError("a secret of the service"),
    503: Unavailable("the database of tasks at 10.0.0.7 is away", 3),
    504: DeadlineExceeded("too slow"),
}
QUERIES = {400: "?title=%FF", 422: "?colour=red"}
SENT: dict[int, dict[str, Any]] = {
    413: {"content": b"x" * 1_048_577, "headers": {"content-type": "application/json"}},
    415: {"content": b"{}", "headers": {"content-type": "text/plain"}},
    431: {"headers": {"x-filler": "y" * 65_536}},
}


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_the_committed_document_is_what_the_routes_say() -> None:
    assert PLACE.read_text() == written(), "run `make openapi`"


def test_every_operation_of_the_api_has_a_sample_here() -> None:
    assert set(SAMPLES) == set(API)


def test_every_api_operation_but_the_public_ones_demands_a_token() -> None:
    demanding = {name for name, operation in API.items() if operation.get("security") == [{"bearer": []}]}
    assert demanding == set(API) - set(PUBLIC)


def test_every_post_but_those_of_auth_takes_an_idempotency_key() -> None:
    keyed = {
        name
        for name, operation in API.items()
        if "Idempotency-Key" in {parameter["name"] for parameter in operation.get("parameters", ())}
    }
    assert keyed == {name for name, operation in API.items() if operation["method"] == "POST"} - set(PUBLIC)


def test_every_example_is_as_its_schema_says() -> None:
    contract, count = Contract(DOCUMENT), 0
    for schema, example in _examples(DOCUMENT):
        contract.validate(schema, example)
        count += 1
    assert count > 100


def test_every_body_and_every_success_has_an_example() -> None:
    for name, operation in API.items():
        for media in _media(operation):
            if "example" in media:
                continue
            schema = DOCUMENT["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
            assert schema.get("examples"), name


async def test_the_document_that_is_served_is_this_one(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/openapi.json")).json() == DOCUMENT


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (name, int(status))
        for name, operation in API.items()
        for status in operation["responses"]
        if SAMPLES[name].rpc or int(status) not in RAISED  # of a stream, which asks no service: test_events.py
    ],
)
async def test_every_documented_response_is_given(
    name: str,
    status: int,
    client: httpx.AsyncClient,
    strict: httpx.AsyncClient,
    impatient_origin: str,
    token: str,
    upstream: Upstream,
    contract: Contract,
) -> None:
    sample, options = SAMPLES[name], SENT.get(status, {})
    if status == 408:
        assert await _body_that_never_comes(impatient_origin, token, sample) == 408
        return
    if status == 401:
        if name in PUBLIC:
            upstream.answer(sample.rpc, Unauthenticated("the address or the password is wrong"))
        else:
            options = {"headers": {"authorization": "Bearer nonsense"}}
    if status == 304:
        options = {"headers": {"if-none-match": "*"}}
    if status in RAISED:
        upstream.answer(sample.rpc, RAISED[status])
    body = {} if "content" in options or sample.body is None else {"json": sample.body}
    asking = strict if status == 428 else client
    response = await asking.request(sample.method, sample.path + QUERIES.get(status, ""), **{**body, **options})
    assert response.status_code == status
    assert (name, status) in contract.seen
    if status in RAISED and status >= 500:
        assert "secret" not in response.text
        assert "10.0.0.7" not in response.text


async def _body_that_never_comes(origin: str, token: str, sample: Sample) -> int:
    host, port = origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"{sample.method} {sample.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n".encode()
    )
    status = (await reader.readline()).split()[1]
    writer.close()
    return int(status)


def _media(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from response.get("content", {}).values()


def _examples(spec: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    for name, schema in spec["components"]["schemas"].items():
        for example in schema.get("examples", []):
            yield {"$ref": f"#/components/schemas/{name}"}, example
    for operation in OPERATIONS.values():
        for media in _media(operation):
            if "example" in media:
                yield media["schema"], media["example"]
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                yield parameter["schema"], parameter["example"]
