"""Gateways that share a Redis count as one; without it each goes on by itself, and they find together again."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from chassis.errors import Unauthenticated
from chassis.testing.engines import Redis
from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from chassis.testing.measured import measured
from gateway.limiting.quota import Quota
from gateway.tests.callers import Caller, StoppedClock, told
from gateway.tests.conftest import served
from gateway.tests.upstream import Upstream

pytestmark = pytest.mark.engines

Pair = tuple[httpx.AsyncClient, httpx.AsyncClient]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path) as redis:
        yield redis


@asynccontextmanager
async def pair(services: Upstream, redis: Redis, patience: float) -> AsyncIterator[Pair]:
    """Two gateways that allow an address ten requests and five failed logins; they wait so long for Redis."""
    clock, limits = StoppedClock(), {"address": Quota(10, 900), "auth": Quota(5, 900)}
    settings = {f"gateway_rate_limit_{name}": quota for name, quota in limits.items()}
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            gateway = served(
                services.target, clock, **settings, redis_url=redis.url, redis_timeout=patience,
                gateway_trusted_proxies="127.0.0.1",
            )  # fmt: skip
            origin = await stack.enter_async_context(gateway)
            clients.append(await stack.enter_async_context(http_client(origin)))
        yield clients[0], clients[1]


def alone() -> float:
    """How often a request was counted without Redis."""
    return measured("primetrade_rate_limit_fallbacks_total") or 0


async def shared(gateways: Pair) -> bool:
    """Whether what one counts is seen by the other."""
    first = Caller(gateways[0])
    await first.ask()
    return told(await Caller(gateways[1], address=first.address).ask())[1] == 8


async def test_two_gateways_count_as_one_until_redis_is_killed_and_again_when_it_is_back(
    services: Upstream, redis: Redis
) -> None:
    # So patient that only a Redis that is gone lets them down.
    async with pair(services, redis, patience=60.0) as gateways:
        callers, before = [Caller(gateway, address="198.18.0.1") for gateway in gateways], alone()
        with capture_logs() as lines:
            answers = [await callers[number % 2].ask() for number in range(10)]
            assert [answer.status_code for answer in answers] == [401] * 10
            assert [told(answer)[1] for answer in answers] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
            assert [(await caller.ask()).status_code for caller in callers] == [429, 429]

            redis.kill()
            for caller in callers:
                answers = [await caller.ask() for _ in range(11)]
                assert [answer.status_code for answer in answers] == [401] * 10 + [429]
            assert alone() == before + 22

            redis.start()
            await eventually(lambda: shared(gateways), "the gateways count together again")
            callers = [Caller(gateway, address="198.18.0.2") for gateway in gateways]
            answers = [await callers[number % 2].ask() for number in range(11)]
            assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        said = [line["event"] for line in lines if line["event"].startswith("limits_")]
        assert sorted(said) == ["limits_not_shared", "limits_not_shared", "limits_shared_again", "limits_shared_again"]


async def test_failures_count_together_and_successes_not_at_all(
    services: Upstream, upstream: Upstream, redis: Redis
) -> None:
    async with pair(services, redis, patience=60.0) as gateways:
        callers = [Caller(gateway, address="198.18.0.3") for gateway in gateways]
        answers = [await callers[number % 2].login() for number in range(4)]
        assert [(answer.status_code, told(answer)[:2]) for answer in answers] == [(200, (5, 5))] * 4
        upstream.answer("Login", Unauthenticated("the address or the password is wrong"))
        answers = [await callers[number % 2].login() for number in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert told(answers[-1])[:2] == (5, 0)


async def test_a_redis_that_hangs_holds_nobody_up(services: Upstream, redis: Redis) -> None:
    async with pair(services, redis, patience=0.25) as gateways:
        await eventually(lambda: shared(gateways), "the gateways count together")
        before = alone()
        redis.pause()
        try:
            for gateway in gateways:
                caller = Caller(gateway, address="198.18.0.4")
                answers = [await caller.ask() for _ in range(11)]
                assert [answer.status_code for answer in answers] == [401] * 10 + [429]
            assert alone() == before + 22
        finally:
            redis.resume()
        await eventually(lambda: shared(gateways), "the gateways count together again")
