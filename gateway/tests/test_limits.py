"""Nobody asks more than their quota: exact at both ends of a window, and nobody can be counted as somebody else."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.errors import AlreadyExists, DeadlineExceeded, Exhausted, Unauthenticated, Unavailable
from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from chassis.testing.issuer import Issuer
from chassis.testing.measured import measured
from chassis.testing.ports import free_port
from gateway.limiting.quota import Quota
from gateway.tests.callers import LOGIN, TASKS, Caller, StoppedClock, reset, told
from gateway.tests.conftest import checked, served
from gateway.tests.contract import Contract
from gateway.tests.test_tokens import REFUSED
from gateway.tests.upstream import LOGGED_IN, Held, Upstream

PROXY: dict[str, Any] = {"gateway_trusted_proxies": "127.0.0.1"}
WRONG = Unauthenticated("the address or the password is wrong")


@pytest.fixture(scope="module")
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture(scope="module")
async def http(services: Upstream, clock: StoppedClock) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with the limits of the defaults, but 20 requests for a person; it trusts this machine."""
    limits: dict[str, Any] = {"gateway_rate_limit_address": "100/15minutes", "gateway_rate_limit_auth": "5/15minutes"}
    limits["gateway_rate_limit_subject"] = "20/15minutes"
    async with served(services.target, clock, **limits, **PROXY) as origin, http_client(origin) as client:
        yield client


def token(issuer: Issuer, subject: str = "", **claims: Any) -> str:
    """A token of somebody new that outlasts every window."""
    return issuer.token(subject or str(uuid4()), **{"exp": int(time.time()) + 1_000_000, **claims})


def decisions(policy: str, outcome: str) -> float:
    return measured("primetrade_rate_limit_decisions_total", policy=policy, outcome=outcome) or 0


async def test_an_address_has_100_requests_and_not_one_more(http: httpx.AsyncClient, clock: StoppedClock) -> None:
    caller = Caller(http)
    passed, refused = decisions("address", "passed"), decisions("address", "refused")
    answers = [await caller.ask() for _ in range(100)]
    assert [answer.status_code for answer in answers] == [401] * 100
    assert [told(answer) for answer in answers] == [(100, left, "100;w=900") for left in reversed(range(100))]
    assert 0 < reset(answers[0]) <= 900
    answer = await caller.ask()
    assert (answer.status_code, answer.json()["code"], told(answer)) == (429, "exhausted", (100, 0, "100;w=900"))
    assert answer.headers["retry-after"] == answer.headers["ratelimit-reset"] == str(reset(answers[0]))
    assert "100 requests in 900 seconds" in answer.json()["detail"]
    assert decisions("address", "passed") - passed == 100
    assert decisions("address", "refused") - refused == 1

    # What is not the API is not limited.
    for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/.well-known/jwks.json", "/nothing"):
        other = await caller.ask("GET", path)
        assert other.status_code == (404 if path == "/nothing" else 200)
        assert not [name for name in other.headers if "ratelimit" in name]

    # What was refused has not made the wait any longer.
    clock.move(seconds=reset(answer), milliseconds=-1)
    answer = await caller.ask()
    assert (answer.status_code, reset(answer)) == (429, 1)
    clock.move(milliseconds=1)
    answer = await caller.ask()
    assert (answer.status_code, told(answer), reset(answer)) == (401, (100, 99, "100;w=900"), 900)


async def test_what_the_limits_answer_is_documented(
    http: httpx.AsyncClient, contract: Contract, issuer: Issuer, upstream: Upstream
) -> None:
    async with checked(str(http.base_url), contract) as client:
        caller, guest = Caller(client, token(issuer)), Caller(client)
        assert [(await caller.ask()).status_code for _ in range(21)] == [200] * 20 + [429]
        upstream.answer("Login", WRONG)
        assert [(await guest.login()).status_code for _ in range(6)] == [401] * 5 + [429]
    assert {("listTasks", 200), ("listTasks", 429), ("login", 401), ("login", 429)} <= contract.seen


async def test_whatever_is_asked_of_the_api_counts(http: httpx.AsyncClient) -> None:
    caller = Caller(http)
    asked = [
        ("GET", TASKS, 401), ("HEAD", TASKS, 401), ("PUT", TASKS, 405),
        ("GET", "/api/v1/nothing", 404), ("GET", "/api/v1%2ftasks", 404), ("POST", "/api/", 404),
    ]  # fmt: skip
    for number, (method, path, status) in enumerate(asked, start=1):
        answer = await caller.ask(method, path)
        assert (answer.status_code, told(answer)[1]) == (status, 100 - number)


async def test_what_a_browser_asks_first_is_free(http: httpx.AsyncClient) -> None:
    caller = Caller(http)
    answers = [await caller.ask("OPTIONS") for _ in range(3)]
    assert [name for answer in answers for name in answer.headers if "ratelimit" in name] == []
    assert told(await caller.ask())[1] == 99


async def test_a_person_is_counted_wherever_they_are(
    http: httpx.AsyncClient, issuer: Issuer, upstream: Upstream, clock: StoppedClock
) -> None:
    ada = str(uuid4())
    home, work = Caller(http, token(issuer, ada)), Caller(http, token(issuer, ada))
    answers = [await (home, work)[number % 2].ask() for number in range(20)]
    assert [answer.status_code for answer in answers] == [200] * 20
    assert [told(answer) for answer in answers] == [(20, left, "20;w=900") for left in reversed(range(20))]
    for caller in (home, work, Caller(http, token(issuer, ada))):
        answer = await caller.ask()
        assert (answer.status_code, told(answer)) == (429, (20, 0, "20;w=900"))
    # Neither is the address used up, nor anybody else there.
    assert told(await Caller(http, address=home.address).ask()) == (100, 99, "100;w=900")
    assert told(await Caller(http, token(issuer), home.address).ask()) == (20, 19, "20;w=900")
    clock.move(seconds=reset(answer))
    assert told(await home.ask()) == (20, 19, "20;w=900")


@pytest.mark.parametrize("kind", [kind for kind, make in REFUSED.items() if kind != "none"])
async def test_a_token_that_does_not_hold_makes_nobody_else_of_a_caller(
    kind: str, http: httpx.AsyncClient, issuer: Issuer
) -> None:
    caller = Caller(http)
    for left in (99, 98, 97):
        answer = await caller.ask(headers={"authorization": REFUSED[kind](issuer)})
        assert (answer.status_code, told(answer)) == (401, (100, left, "100;w=900"))


async def test_another_invalid_token_each_time_is_still_the_same_caller(
    http: httpx.AsyncClient, issuer: Issuer
) -> None:
    caller = Caller(http)
    wrong = [token(issuer, exp=int(time.time()) - number) for number in range(1, 11)]
    answers = [await caller.ask(headers={"authorization": f"Bearer {each}"}) for each in wrong]
    assert [told(answer) for answer in answers] == [(100, left, "100;w=900") for left in range(99, 89, -1)]


async def test_an_address_may_fail_five_times_at_login(
    http: httpx.AsyncClient, upstream: Upstream, clock: StoppedClock
) -> None:
    upstream.answer("Login", WRONG)
    caller = Caller(http)
    answers = [await caller.login() for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert [told(answer) for answer in answers] == [(5, left, "100;w=900, 5;w=900") for left in (4, 3, 2, 1, 0)]
    upstream.as_usual()
    for path, body in ((LOGIN, None), ("/api/v1/auth/refresh", {"refreshToken": "rrr"})):
        answer = await caller.login() if body is None else await caller.ask("POST", path, json=body)
        assert (answer.status_code, told(answer)) == (429, (5, 0, "100;w=900, 5;w=900"))
        assert answer.headers["retry-after"] == answer.headers["ratelimit-reset"]
        assert "fail 5 times" in answer.json()["detail"]
    assert not upstream.received
    # What else there is stays open to them, and what there is to everybody else.
    assert told(await caller.ask()) == (100, 92, "100;w=900")
    assert (await Caller(http).login()).status_code == 200

    clock.move(seconds=reset(answer), milliseconds=-1)
    assert (await caller.login()).status_code == 429
    clock.move(milliseconds=1)
    answer = await caller.login()
    assert (answer.status_code, told(answer)[:2]) == (200, (5, 5))


async def test_successes_at_login_do_not_count(http: httpx.AsyncClient, upstream: Upstream) -> None:
    caller = Caller(http)
    answers = [await caller.login() for _ in range(30)]
    assert [(answer.status_code, told(answer)[:2]) for answer in answers] == [(200, (5, 5))] * 30
    upstream.answer("Login", WRONG)
    assert [(await caller.login()).status_code for _ in range(6)] == [401] * 5 + [429]


async def test_a_login_is_a_request_of_its_address_too(http: httpx.AsyncClient, upstream: Upstream) -> None:
    caller = Caller(http)
    for _ in range(3):
        await caller.login()
    assert told(await caller.ask()) == (100, 96, "100;w=900")


async def test_a_token_makes_nobody_else_of_who_logs_in(
    http: httpx.AsyncClient, issuer: Issuer, upstream: Upstream
) -> None:
    upstream.answer("Login", WRONG)
    address = Caller(http).address
    guesses = [await Caller(http, token(issuer), address).login() for _ in range(6)]
    assert [guess.status_code for guess in guesses] == [401] * 5 + [429]


COUNTED = {
    "taken": (AlreadyExists("account", "ada@example.com"), 409),
    "locked": (Exhausted("too many attempts", 60), 429),
}
NOT_COUNTED = {
    "away": (Unavailable("the database is away"), 503),
    "slow": (DeadlineExceeded("too slow"), 504),
    "broken": (RuntimeError("a bug"), 500),
}


@pytest.mark.parametrize("kind", [*COUNTED, *NOT_COUNTED])
async def test_only_what_the_caller_did_wrong_counts(kind: str, http: httpx.AsyncClient, upstream: Upstream) -> None:
    error, status = {**COUNTED, **NOT_COUNTED}[kind]
    upstream.answer("Register", error)
    body = {"name": "Ada", "email": "ada@example.com", "password": "correct horse battery"}
    answer = await Caller(http).ask("POST", "/api/v1/auth/register", json=body)
    assert (answer.status_code, told(answer)[1]) == (status, 4 if kind in COUNTED else 5)


@pytest.mark.parametrize("options", [{"json": {}}, {"content": b"{"}, {"json": None}], ids=["invalid", "half", "none"])
async def test_what_never_reaches_the_service_counts_too(options: dict[str, object], http: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"} if "content" in options else {}
    answer = await Caller(http).login(**options, headers=headers)
    assert 400 <= answer.status_code < 500
    assert told(answer)[1] == 4


async def twenty_at_once(caller: Caller, upstream: Upstream, held: Held) -> "list[asyncio.Task[httpx.Response]]":
    """Twenty logins, of which five have been passed on and wait, and the others have been refused."""
    upstream.answer("Login", held)
    logins = [asyncio.create_task(caller.login()) for _ in range(20)]
    await eventually(lambda: sum(login.done() for login in logins) == 15, "all but five are refused")
    await eventually(lambda: len(upstream.received["Login"]) == 5, "those five are passed on")
    return logins


async def test_of_many_guesses_at_once_no_more_than_five_are_made(http: httpx.AsyncClient, upstream: Upstream) -> None:
    caller, held = Caller(http), Held(WRONG)
    guesses = await twenty_at_once(caller, upstream, held)
    refused = [guess.result() for guess in guesses if guess.done()]
    # Those five may yet succeed: it is worth coming back soon.
    assert {(answer.status_code, answer.headers["retry-after"], reset(answer)) for answer in refused} == {(429, "1", 1)}
    held.go.set()
    assert sorted([answer.status_code for answer in await asyncio.gather(*guesses)]) == [401] * 5 + [429] * 15
    answer = await caller.login()
    assert (answer.status_code, len(upstream.received["Login"])) == (429, 5)
    assert reset(answer) > 1


async def test_many_logins_at_once_leave_nothing_behind(http: httpx.AsyncClient, upstream: Upstream) -> None:
    caller, held = Caller(http), Held(LOGGED_IN)
    logins = await twenty_at_once(caller, upstream, held)
    held.go.set()
    assert sorted([answer.status_code for answer in await asyncio.gather(*logins)]) == [200] * 5 + [429] * 15
    upstream.as_usual()
    assert told(await caller.login())[:2] == (5, 5)


async def test_a_guess_counts_when_nobody_waits_for_its_answer(http: httpx.AsyncClient, upstream: Upstream) -> None:
    held = Held(WRONG)
    upstream.answer("Login", held)
    caller = Caller(http)
    guesses = [asyncio.create_task(caller.login()) for _ in range(5)]
    await eventually(lambda: len(upstream.received["Login"]) == 5, "the guesses are made")
    for guess in guesses:
        guess.cancel()
    await asyncio.wait(guesses)
    held.go.set()

    async def counted() -> bool:
        answer = await caller.login()
        return answer.status_code == 429 and told(answer)[0] == 5 and reset(answer) > 1

    await eventually(counted, "nothing is held, and five have failed")
    assert len(upstream.received["Login"]) == 5


async def test_who_is_behind_no_trusted_proxy_cannot_choose_an_address(services: Upstream) -> None:
    async with (
        served(services.target, gateway_rate_limit_address=Quota(2, 900)) as origin,
        http_client(origin) as http,
    ):
        assert [(await Caller(http).ask()).status_code for _ in range(3)][-1] == 429


async def test_without_the_keys_everybody_is_counted_by_address(lonely: httpx.AsyncClient, issuer: Issuer) -> None:
    first, second = [await Caller(lonely, token(issuer)).ask() for _ in range(2)]
    assert (first.status_code, second.status_code) == (503, 503)
    assert told(second)[1] == told(first)[1] - 1


async def test_limits_can_be_off_for_load_tests(services: Upstream) -> None:
    few: dict[str, Any] = {"gateway_rate_limit_address": Quota(1, 900), "gateway_rate_limit_auth": Quota(1, 900)}
    async with (
        served(services.target, **few, gateway_rate_limit_disabled=True, redis_url="redis://127.0.0.1:9") as origin,
        http_client(origin) as http,
    ):
        for path in (TASKS, LOGIN):
            for _ in range(3):
                answer = await http.post(path)
                assert answer.status_code in (401, 415)
                assert not [name for name in answer.headers if "ratelimit" in name]


async def test_a_redis_that_was_never_there_fails_nothing(services: Upstream) -> None:
    alone = measured("primetrade_rate_limit_fallbacks_total") or 0
    url = f"redis://:secret@127.0.0.1:{free_port()}/3"
    async with (
        served(services.target, gateway_rate_limit_address=Quota(2, 900), redis_url=url) as origin,
        http_client(origin) as http,
    ):
        assert [(await http.get(TASKS)).status_code for _ in range(3)] == [401, 401, 429]
    assert (measured("primetrade_rate_limit_fallbacks_total") or 0) - alone == 3
