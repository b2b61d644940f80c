"""A collection is replaced while it is in use, on both drivers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from chassis import deadline, generations
from chassis.errors import DeadlineExceeded, Unavailable
from chassis.mongo import Mongo
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.tests.notes import settings_for

NAME = "words"


class Two:
    """Two processes that use the collection, each with its own knowledge of what is live."""

    def __init__(self, one: Mongo, other: Mongo) -> None:
        self.one, self.other = one, other
        self.generations = one.generations(NAME)

    async def switch(self, by: str = "a", to: str = "words.2-aaaaaaaa") -> bool:
        """Copy everything and switch over."""
        assert await self.generations.close(by)
        fresh = self.one.database[to]
        async for word in self.generations.live.find({}):
            await fresh.insert_one(word)
        return await self.generations.switch(by, to)


@pytest.fixture(params=["motor", "pymongo"])
async def two(engines: Engines, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Two]:
    # The other process learns of a switch by itself when it writes, and only then.
    monkeypatch.setattr("chassis.mongo.FOLLOW_SECONDS", 3600)
    settings = settings_for(engines, mongo_driver=request.param)
    async with AsyncExitStack() as stack:
        one, other = (Mongo(settings, "words", rebuilt=[NAME]) for _ in range(2))
        for mongo in (one, other):
            await stack.enter_async_context(mongo)
        await one.collection(NAME).insert_one({"_id": 1, "text": "one"})
        yield Two(one, other)


async def test_it_is_the_collection_of_its_name_until_a_switch(two: Two) -> None:
    assert await two.one.database[NAME].count_documents({}) == 1
    assert two.one.collection(NAME).name == NAME
    assert await two.switch()
    assert two.generations.live.name == "words.2-aaaaaaaa"
    assert two.generations.live is two.generations.live  # not made anew for every call
    assert two.one.collection(NAME).name == NAME
    await two.one.collection(NAME).insert_one({"_id": 2})
    assert await two.one.database[NAME].count_documents({}) == 1


async def test_who_reads_only_follows_by_and_by(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.mongo.FOLLOW_SECONDS", 0.05)
    heard: list[str] = []

    async def listen() -> None:
        heard.append("switched")

    async with (mongo := Mongo(two.one._settings, "words", rebuilt=[NAME])):
        mongo.generations(NAME).on_switch(listen)
        assert await two.switch()
        await two.one.collection(NAME).update_one({"_id": 1}, {"$set": {"text": "two"}})

        async def seen() -> bool:
            return await mongo.collection(NAME).find_one({"_id": 1, "text": "two"}) is not None

        await eventually(seen, "the reader to follow")
    assert heard == ["switched"]


async def test_a_write_of_who_has_not_followed_goes_where_it_belongs(two: Two) -> None:
    assert await two.switch()
    collection = two.other.collection(NAME)
    await collection.insert_one({"_id": 2, "text": "two"})
    result = await collection.update_one({"_id": 1}, {"$set": {"text": "changed"}})
    assert result.matched_count == 1
    upserted = await collection.update_one({"_id": 3}, {"$set": {"text": "three"}}, upsert=True)
    assert upserted.upserted_id == 3
    texts = {word["_id"]: word["text"] async for word in two.one.collection(NAME).find({})}
    assert texts == {1: "changed", 2: "two", 3: "three"}
    assert [word["text"] async for word in two.one.database[NAME].find({})] == ["one"]


async def test_writes_wait_while_it_is_closed(two: Two) -> None:
    assert await two.generations.close("a")
    waiting = asyncio.create_task(two.other.collection(NAME).insert_one({"_id": 2}))
    with deadline.within(0.2), pytest.raises((Unavailable, DeadlineExceeded)):
        await two.one.collection(NAME).update_one({"_id": 1}, {"$set": {"text": "changed"}})
    assert (await two.one.collection(NAME).find_one({"_id": 1}) or {})["text"] == "one"
    assert not waiting.done()
    await two.generations.open("a")
    await waiting
    assert await two.one.database[NAME].count_documents({}) == 2


async def test_one_closes_at_a_time(two: Two) -> None:
    assert await two.generations.close("a")
    assert not await two.other.generations(NAME).close("b")
    assert not await two.other.generations(NAME).switch("b", "words.2-bbbbbbbb")
    await two.other.generations(NAME).open("b")
    assert await two.generations.switch("a", "words.2-aaaaaaaa")


async def test_who_is_too_late_does_not_switch(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "CLOSED_SECONDS", -1.0)
    assert await two.generations.close("a")
    monkeypatch.setattr(generations, "CLOSED_SECONDS", 15.0)
    # Who closed it has died, as far as anybody can tell: a write opens it.
    await two.other.collection(NAME).insert_one({"_id": 2})
    assert not await two.generations.switch("a", "words.2-aaaaaaaa")
    assert two.generations.live.name == NAME
    assert await two.switch("b", "words.2-bbbbbbbb")
    assert await two.one.collection(NAME).count_documents({}) == 2


async def test_what_nobody_has_closed_is_opened(two: Two) -> None:
    assert await two.generations.close("a")
    # As one leaves it who was stopped between the mark and the closing, for so long that others have come and gone.
    await two.one.database[generations.POINTERS].update_one({}, {"$unset": {"closing": ""}})
    await two.other.collection(NAME).insert_one({"_id": 2})
    assert await two.switch()


async def test_another_rebuild_takes_over_from_one_that_died(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "CLOSED_SECONDS", -1.0)
    assert await two.generations.close("a")
    monkeypatch.setattr(generations, "CLOSED_SECONDS", 15.0)
    assert await two.other.generations(NAME).close("b")
    assert not await two.generations.switch("a", "words.2-aaaaaaaa")
    await two.generations.open("a")
    with deadline.within(0.2), pytest.raises((Unavailable, DeadlineExceeded)):
        await two.one.collection(NAME).insert_one({"_id": 2})
    assert await two.other.generations(NAME).switch("b", "words.2-bbbbbbbb")
