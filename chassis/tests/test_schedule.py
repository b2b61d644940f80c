"""Leases and periodic work, on both drivers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chassis.mongo import Collection, Mongo
from chassis.schedule import LEASES, Lease, Periodic, holder
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.tests.notes import Hands, settings_for


@pytest.fixture(params=["motor", "pymongo"])
async def leases(engines: Engines, request: pytest.FixtureRequest) -> AsyncIterator[Collection]:
    async with (mongo := Mongo(settings_for(engines, mongo_driver=request.param), "schedule")):
        yield mongo.collection(LEASES)


@pytest.fixture
def clock() -> Hands:
    return Hands()


async def test_one_holds_a_lease(leases: Collection, clock: Hands) -> None:
    first, second = (Lease(leases, "sweep", name, clock) for name in ("a", "b"))
    assert await first.acquire()
    assert not await second.acquire()
    assert await Lease(leases, "another", "b", clock).acquire()


async def test_of_many_at_once_one_gets_it(leases: Collection, clock: Hands) -> None:
    for _ in range(3):
        asked = await asyncio.gather(*(Lease(leases, "sweep", holder(), clock).acquire() for _ in range(8)))
        assert sum(asked) == 1
        clock.move(seconds=16)


async def test_a_renewed_lease_lasts(leases: Collection, clock: Hands) -> None:
    first, second = (Lease(leases, "sweep", name, clock, seconds=15) for name in ("a", "b"))
    assert await first.acquire()
    clock.move(seconds=14)
    assert await first.acquire()
    clock.move(seconds=14)
    assert not await second.acquire()


async def test_a_lease_that_is_over_is_taken_and_lost(leases: Collection, clock: Hands) -> None:
    first, second = (Lease(leases, "sweep", name, clock, seconds=15) for name in ("a", "b"))
    assert await first.acquire()
    clock.move(seconds=15)
    assert await second.acquire()
    assert not await first.acquire()


async def test_a_released_lease_is_free_and_only_its_holder_frees_it(leases: Collection, clock: Hands) -> None:
    first, second = (Lease(leases, "sweep", name, clock) for name in ("a", "b"))
    assert await first.acquire()
    await second.release()
    assert not await second.acquire()
    await first.release()
    assert await second.acquire()


async def test_a_job_that_fails_runs_again() -> None:
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        raise RuntimeError("broken")

    async with Periodic("job", 0.01, run) as _:
        await eventually(lambda: runs >= 3, "three runs")


async def test_a_job_runs_where_the_lease_is(leases: Collection, clock: Hands) -> None:
    ran: list[str] = []

    def job(name: str) -> Periodic:
        async def run() -> None:
            ran.append(name)

        return Periodic("job", 0.02, run, Lease(leases, "job", name, clock))

    async with job("a"):
        await eventually(lambda: ran, "a runs")
        async with job("b"):
            already = len(ran)
            await eventually(lambda: len(ran) >= already + 5, "a runs on")
            assert set(ran) == {"a"}
    async with job("b"):
        await eventually(lambda: "b" in ran, "b takes over what a released")


async def test_a_long_run_keeps_its_lease_and_ends_when_it_is_lost(leases: Collection, clock: Hands) -> None:
    ended, began = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with Periodic("job", 3600, run, Lease(leases, "job", "a", clock, seconds=0.3)):
        await began.wait()
        renewed = clock.now()
        clock.move(seconds=0.2)

        async def moved() -> bool:
            lease = await leases.find_one({"_id": "job"})
            return lease is not None and (lease["expires_at"] - renewed).total_seconds() > 0.3

        await eventually(moved, "the renewal")
        assert not ended.is_set()
        await leases.update_one({"_id": "job"}, {"$set": {"holder": "b"}})
        await asyncio.wait_for(ended.wait(), 10)


async def test_leaving_ends_a_run() -> None:
    began = asyncio.Event()

    async def run() -> None:
        began.set()
        await asyncio.Event().wait()

    periodic = Periodic("job", 3600, run)
    async with periodic:
        await began.wait()
        (task,) = periodic.background()
    assert task.done()
    assert periodic.background() == ()
