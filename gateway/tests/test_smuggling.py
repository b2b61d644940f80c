"""No request is hidden in another: whatever is in doubt is refused, and nothing after it is heard."""

import re

import httpx
import pytest

from gateway.tests.malformed import READ, REFUSED
from gateway.tests.raw import answered
from gateway.tests.upstream import TASK_ID, Upstream

_STATUS = re.compile(rb"HTTP/1\.1 (\d+) ")


@pytest.fixture(scope="session")
def following(token: str) -> bytes:
    """A request that would be served, and be the last of its connection."""
    head = f"GET /api/v1/tasks/{TASK_ID} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close"
    return f"{head}\r\n\r\n".encode()


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_is_in_doubt_is_the_last_that_is_heard(
    kind: str, origin: str, following: bytes, anonymous: httpx.AsyncClient, upstream: Upstream
) -> None:
    sent, status = REFUSED[kind]
    assert statuses(await answered(origin, sent + following)) == [status]
    assert not upstream.received
    assert (await anonymous.get("/healthz")).status_code == 200


@pytest.mark.parametrize("kind", READ)
async def test_what_can_be_read_in_one_way_ends_where_it_says(
    kind: str, origin: str, following: bytes, upstream: Upstream
) -> None:
    sent, expected = READ[kind]
    assert statuses(await answered(origin, sent + following)) == [*expected, 200]
    assert len(upstream.received["GetTask"]) == 1


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in _STATUS.findall(answer)]
