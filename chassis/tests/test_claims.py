"""Claims by themselves, on both drivers: how long they hold, and who gets one that is over."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from primetrade.tasks.v1 import tasks_pb2

from chassis import claims
from chassis.claims import KEEP, Claims, request_id
from chassis.clock import ordered_id
from chassis.errors import AlreadyExists, Gone, KeyReused, NotFound
from chassis.events.publishing import tombstones
from chassis.mongo import Collection, Indexes, Mongo
from chassis.testing.engines import Engines
from chassis.tests.notes import Hands, settings_for

OWNER = uuid4()


@dataclass
class Shelf:
    """Where things are kept by id; what was removed keeps its place."""

    there: set[UUID] = field(default_factory=set)
    removed: set[UUID] = field(default_factory=set)

    async def put(self, id: UUID) -> UUID:
        if id in self.there | self.removed:
            raise AlreadyExists("thing", str(id))
        self.there.add(id)
        return id

    async def find(self, id: UUID) -> UUID:
        if id not in self.there:
            raise NotFound("thing", str(id))
        return id

    def remove(self, id: UUID) -> None:
        self.there.remove(id)
        self.removed.add(id)


@pytest.fixture(params=["motor", "pymongo"])
async def collection(engines: Engines, request: pytest.FixtureRequest) -> AsyncIterator[Collection]:
    mongo = Mongo(settings_for(engines, mongo_driver=request.param), "claims")
    async with mongo, Indexes(mongo, {claims.COLLECTION: claims.INDEXES}):
        yield mongo.collection(claims.COLLECTION)


@pytest.fixture
def clock() -> Hands:
    # Far off: what is over by its own clock the engine removes.
    hands = Hands()
    hands.move(days=365 * 100)
    return hands


def asked(title: str = "x", key: str = "k") -> tasks_pb2.CreateTaskRequest:
    return tasks_pb2.CreateTaskRequest(task=tasks_pb2.Task(title=title), request_id=key)


async def test_a_key_holds_for_a_day_and_is_free_then(collection: Collection, clock: Hands) -> None:
    shelf, keeper = Shelf(), Claims(collection, clock, ordered_id)
    first = await keeper.create(OWNER, asked(), shelf.put, shelf.find)
    clock.move(hours=23, minutes=59)
    assert await keeper.create(OWNER, asked(), shelf.put, shelf.find) == first
    with pytest.raises(KeyReused):
        await keeper.create(OWNER, asked("y"), shelf.put, shelf.find)
    clock.move(minutes=1)
    second = await keeper.create(OWNER, asked("y"), shelf.put, shelf.find)
    assert second != first
    clock.move(hours=23)
    assert await keeper.create(OWNER, asked("y"), shelf.put, shelf.find) == second
    assert shelf.there == {first, second}


async def test_of_many_who_find_a_claim_over_one_has_it(collection: Collection, clock: Hands) -> None:
    shelf, keeper = Shelf(), Claims(collection, clock, ordered_id)
    first = await keeper.create(OWNER, asked(), shelf.put, shelf.find)
    clock.move(hours=24)
    made = await asyncio.gather(*(keeper.create(OWNER, asked(), shelf.put, shelf.find) for _ in range(10)))
    assert shelf.there == {first, *made}
    assert len(set(made)) == 1


async def test_a_claim_that_the_engine_removed_in_between_is_made_again(collection: Collection, clock: Hands) -> None:
    shelf, keeper = Shelf(), Claims(collection, clock, ordered_id)

    async def put_late(id: UUID) -> UUID:
        await collection.delete_many({})
        return await shelf.put(id)

    first = await keeper.create(OWNER, asked(), put_late, shelf.find)
    second = await keeper.create(OWNER, asked(), shelf.put, shelf.find)
    assert shelf.there == {first, second}


async def test_what_is_removed_is_gone_and_is_not_made_again(collection: Collection, clock: Hands) -> None:
    shelf, keeper = Shelf(), Claims(collection, clock, ordered_id)
    made = await keeper.create(OWNER, asked(), shelf.put, shelf.find)
    shelf.remove(made)
    with pytest.raises(Gone, match=f"thing '{made}' is deleted"):
        await keeper.create(OWNER, asked(), shelf.put, shelf.find)
    assert not shelf.there


async def test_a_change_is_done_once_a_day_under_its_key(collection: Collection, clock: Hands) -> None:
    keeper, done = Claims(collection, clock, ordered_id), []

    async def change() -> int:
        done.append("change")
        return len(done)

    async def find() -> int:
        return len(done)

    async def once() -> int:
        request = tasks_pb2.CompleteTaskRequest(id="1", request_id="k")
        return await keeper.change(OWNER, request, OWNER, change, find, applied=bool)

    assert [await once() for _ in range(3)] == [1, 1, 1]
    clock.move(hours=24)
    assert [await once() for _ in range(3)] == [2, 2, 2]


def test_a_key_is_over_long_before_the_tombstone_of_what_it_made() -> None:
    assert KEEP < tombstones.KEEP / 2


@pytest.mark.parametrize("text", ["", "x", " ", "~" * 255])
def test_what_is_a_key(text: str) -> None:
    assert request_id(text) == text


@pytest.mark.parametrize("text", ["~" * 256, "a\n", "\x7f", "é", "\0"])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="at most 255 characters, all of them printable ASCII"):
        request_id(text)
