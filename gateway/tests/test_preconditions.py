"""A gateway may demand that every change says which state it changes (RFC 6585, 3)."""

import httpx
import pytest

from gateway.tests.samples import SAMPLES, Sample
from gateway.tests.test_openapi import API
from gateway.tests.upstream import Upstream

CONDITIONAL = {
    name: SAMPLES[name]
    for name, operation in API.items()
    if any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", ()))
}


def test_every_change_of_what_is_there_is_conditional() -> None:
    assert set(CONDITIONAL) == {"updateMe", "updateTask", "completeTask", "deleteTask", "updateNotification"}


@pytest.mark.parametrize("name", CONDITIONAL)
async def test_a_change_without_if_match_is_428(name: str, strict: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await _asked(strict, CONDITIONAL[name], {})
    assert (response.status_code, response.json()["code"]) == (428, "precondition-required")
    assert not upstream.received


@pytest.mark.parametrize("given", ['"3"', "*"])
@pytest.mark.parametrize("name", CONDITIONAL)
async def test_a_change_with_if_match_is_made(
    name: str, given: str, strict: httpx.AsyncClient, upstream: Upstream
) -> None:
    response = await _asked(strict, CONDITIONAL[name], {"if-match": given})
    assert response.status_code == CONDITIONAL[name].status
    assert upstream.last(CONDITIONAL[name].rpc)


@pytest.mark.parametrize(("given", "status"), [("", 422), ("3", 422), ('W/"3"', 412)])
async def test_an_if_match_that_is_none_is_no_precondition(
    given: str, status: int, strict: httpx.AsyncClient, upstream: Upstream
) -> None:
    assert (await _asked(strict, SAMPLES["updateTask"], {"if-match": given})).status_code == status
    assert not upstream.received


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - set(CONDITIONAL)))
async def test_nothing_else_needs_one(name: str, strict: httpx.AsyncClient, upstream: Upstream) -> None:
    assert (await _asked(strict, SAMPLES[name], {})).status_code == SAMPLES[name].status


async def _asked(client: httpx.AsyncClient, sample: Sample, headers: dict[str, str]) -> httpx.Response:
    return await client.request(sample.method, sample.path, headers=headers, json=sample.body)
