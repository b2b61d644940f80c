"""Every route × every kind of caller, as the table says, and no route without a row."""

import time
from collections.abc import Callable

import httpx
import pytest
from starlette.routing import Route

from chassis.errors import NotFound
from chassis.testing.issuer import Issuer
from gateway.app import ROUTES
from gateway.authorisation import TABLE, Row, printed
from gateway.tests.samples import SAMPLES, Sample
from gateway.tests.upstream import ENDED_SESSION, NOTIFICATION_ID, PERSON_ID, TASK_ID, Upstream

CALLERS: dict[str, Callable[[Issuer], str]] = {
    "no_token": lambda issuer: "",
    "expired": lambda issuer: issuer.token(PERSON_ID, exp=int(time.time()) - 60),
    "revoked": lambda issuer: issuer.token(PERSON_ID, sid=ENDED_SESSION),
    "others": lambda issuer: issuer.token(PERSON_ID),
    "own": lambda issuer: issuer.token(PERSON_ID),
}
CASES = [
    (caller, method, path)
    for (method, path), row in TABLE.items()
    for caller, status in row._asdict().items()
    if status is not None
]


def _template(sample: Sample) -> tuple[str, str]:
    path = sample.path.replace(TASK_ID, "{task_id}").replace(NOTIFICATION_ID, "{notification_id}")
    return sample.method, path


REQUESTS = {_template(sample): sample for sample in SAMPLES.values()}
ASSET = "start.js"


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    routes = {(method, route.path) for route in ROUTES if isinstance(route, Route) for method in route.methods or ()}
    assert len(ROUTES) == len(routes)
    assert set(TABLE) == routes


def test_every_kind_of_caller_is_asked_for() -> None:
    assert list(CALLERS) == list(Row._fields)


@pytest.mark.parametrize(("caller", "method", "path"), CASES)
async def test_a_caller_gets_what_the_table_says(
    caller: str, method: str, path: str, anonymous: httpx.AsyncClient, issuer: Issuer, upstream: Upstream
) -> None:
    sample = REQUESTS.get((method, path), Sample(method, path.replace("{name}", ASSET), ""))
    if caller == "others":  # what the services say to it: tests/e2e/test_isolation.py has them say it
        upstream.answer(sample.rpc, NotFound("thing", TASK_ID))
    token = CALLERS[caller](issuer)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    # Of a live stream only the beginning is read: it has no end.
    async with anonymous.stream(method, sample.path, json=sample.body, headers=headers) as response:
        assert response.status_code == getattr(TABLE[method, path], caller)
        if response.status_code == 401:
            await response.aread()
    if response.status_code == 401:
        assert response.headers["www-authenticate"].startswith("Bearer ")
        assert response.json()["code"] == "unauthenticated"
        assert not upstream.received


def test_the_table_is_printed_with_a_line_for_each_route() -> None:
    head, *lines = printed().splitlines()
    assert head.split("  ")[0] == "route"
    assert [tuple(line.split()[:2]) for line in lines] == list(TABLE)
    assert lines[2].split()[2:] == ["401", "401", "401", "404", "200"]
