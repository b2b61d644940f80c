"""The client of the load tells of every write what its answers promise, and repeats only what has a key."""

import httpx
import pytest

from tests.chaos.client import Answer, Client
from tests.chaos.history import Attempt, History, Outcome, Verb

MADE = httpx.Response(201, json={"id": "t-1"}, headers={"etag": '"1"'})
BUSY, LATE, FORGOTTEN = (httpx.Response(status, json={}) for status in (503, 504, 401))


async def write(key: str, *answers: httpx.Response | Exception) -> tuple[Answer, list[httpx.Request], list[Attempt]]:
    left, seen, history = list(answers), [], History()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    async with httpx.AsyncClient(base_url="http://suite", transport=httpx.MockTransport(answer)) as http:
        client = Client(http, history, pause=0)
        said = await client.write(Verb.CREATE, "POST", "/tasks", marker="m", body={"title": "m"}, key=key)
    return said, seen, list(history)


@pytest.mark.parametrize(
    ("answers", "outcome", "said"),
    [
        ([MADE], Outcome.ACKNOWLEDGED, "201"),
        ([FORGOTTEN], Outcome.REFUSED, "401"),
        ([httpx.ConnectError("")], Outcome.REFUSED, "ConnectError"),
        ([httpx.ReadError(""), BUSY, MADE], Outcome.ACKNOWLEDGED, "201"),
        ([BUSY, FORGOTTEN, FORGOTTEN, FORGOTTEN], Outcome.UNKNOWN, "401"),
        ([LATE, httpx.ConnectError(""), MADE], Outcome.ACKNOWLEDGED, "201"),
        ([BUSY, BUSY, LATE, httpx.ConnectError("")], Outcome.UNKNOWN, "ConnectError"),
    ],
)
async def test_a_write_with_a_key_is_one_attempt_however_often_it_is_sent(
    answers: list[httpx.Response | Exception], outcome: Outcome, said: str
) -> None:
    answer, seen, attempts = await write("k", *answers)
    assert (answer.outcome, answer.said, len(seen)) == (outcome, said, len(answers))
    assert [(attempt.outcome, attempt.answer, attempt.marker) for attempt in attempts] == [(outcome, said, "m")]
    assert {request.headers["idempotency-key"] for request in seen} == {"k"}
    assert {request.content for request in seen} == {b'{"title":"m"}'}
    assert attempts[0].subject == ("t-1" if answer.acknowledged else "")


async def test_a_write_without_a_key_is_sent_once() -> None:
    answer, seen, _ = await write("", BUSY)
    assert (answer.outcome, len(seen), "idempotency-key" in seen[0].headers) == (Outcome.UNKNOWN, 1, False)
