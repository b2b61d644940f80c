"""Each service killed and hung (SIGSTOP) in a running suite: what the client sees, who goes on, what comes back."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from deploy.local.testing import RunningSuite, running_suite
from tests.e2e.conftest import Person

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("upstreams")]

SERVICES = ("auth", "users", "tasks", "notify")


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    """A suite with the deadlines that it is shipped with: the gateway gives a service 5 s."""
    with running_suite(tmp_path_factory.mktemp("upstreams")) as running:
        yield running


@pytest.fixture
async def bea(bounded: RunningSuite) -> AsyncIterator[Person]:
    """Somebody of that suite, who waits longer than its gateway."""
    async with http_client(bounded.url) as http:
        person = Person(http, name="Bea")

        async def registered() -> bool:
            return (await person.try_to_register()).is_success

        await eventually(registered, "Bea is registered")
        yield person


async def asked(person: Person, name: str) -> httpx.Response:
    """The answer of a route that needs this service and no other."""
    if name == "auth":
        return await person.login()
    return await person.call("GET", {"users": "/users/me", "tasks": "/tasks", "notify": "/notifications"}[name])


async def goes_on(person: Person, *names: str) -> None:
    """Whoever needs one of these is answered."""

    async def answered() -> bool:
        return all([(await asked(person, name)).status_code == 200 for name in names])

    await eventually(answered, f"{names} are served")


async def refused(person: Person, name: str, times: int) -> None:
    """Whoever needs this service is told to come back, so many times."""
    for _ in range(times):
        answer = await asked(person, name)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"


async def alone_is_away(person: Person, name: str) -> None:
    """The others are served, and the gateway is ready and says that this service is not."""
    await goes_on(person, *others(name))

    async def named() -> bool:
        ready = await person.http.get("/readyz")
        assert ready.status_code == 200
        return bool(ready.json()["degraded"] == [name])

    await eventually(named, f"{name} is named")


def others(name: str) -> list[str]:
    return [other for other in SERVICES if other != name]


@pytest.mark.parametrize("name", SERVICES)
async def test_a_killed_service_is_refused_for_and_comes_back(bounded: RunningSuite, bea: Person, name: str) -> None:
    await goes_on(bea, *SERVICES)
    bounded.kill(name)
    try:
        await refused(bea, name, 8)  # by the channel first, then by the guard
        await alone_is_away(bea, name)
    finally:
        bounded.restart(name)
    await goes_on(bea, *SERVICES)


@pytest.mark.parametrize("name", SERVICES)
async def test_a_hung_service_is_given_up_then_refused_for_and_comes_back(
    bounded: RunningSuite, bea: Person, name: str
) -> None:
    await goes_on(bea, *SERVICES)
    bounded.kill(name, signal.SIGSTOP)
    try:
        waiting = [asyncio.create_task(asked(bea, name)) for _ in range(5)]
        await goes_on(bea, *others(name))
        for answer in await asyncio.gather(*waiting):
            assert (answer.status_code, answer.json()["code"]) == (504, "deadline-exceeded")
        # Nobody waits any more: not for what does not even say that it is well.
        await refused(bea, name, 3)
        await alone_is_away(bea, name)
    finally:
        bounded.kill(name, signal.SIGCONT)
    await goes_on(bea, *SERVICES)


async def test_what_a_hung_service_was_asked_to_write_is_written_once(bounded: RunningSuite, bea: Person) -> None:
    await goes_on(bea, *SERVICES)
    key = {"idempotency-key": '"3f0e4d3a-0d0c-4b53-9a4f-1d6c9f0b7a11"'}
    bounded.kill("tasks", signal.SIGSTOP)
    try:
        lost = await bea.call("POST", "/tasks", json={"title": "Once"}, headers=key)
        assert (lost.status_code, lost.json()["code"]) == (504, "deadline-exceeded")
    finally:
        bounded.kill("tasks", signal.SIGCONT)

    async def written() -> bool:
        return (await bea.call("POST", "/tasks", json={"title": "Once"}, headers=key)).status_code == 201

    await eventually(written, "the repeat is answered with the task")

    async def listed() -> dict[str, Any] | None:
        answer = await bea.call("GET", "/tasks")
        return answer.json() if answer.is_success else None

    tasks = await eventually(listed, "the list")
    assert tasks is not None
    assert tasks["total"] == 1
