"""One seam, two drivers: what the suite asks of MongoDB works the same on both."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from chassis.errors import DeadlineExceeded, Unavailable
from chassis.mongo import Indexes, Mongo, engine_calls
from chassis.process import EngineAway
from chassis.settings import ServiceSettings
from chassis.testing.engines import Engines
from chassis.testing.measured import measured
from chassis.testing.ports import free_port

DRIVERS = ["motor", "pymongo"]


def settings(url: str, driver: str) -> ServiceSettings:
    return ServiceSettings(mongo_url=url, mongo_driver=driver, startup_timeout=120)


@pytest.fixture(params=DRIVERS)
async def mongo(engines: Engines, request: pytest.FixtureRequest) -> AsyncIterator[Mongo]:
    async with (made := Mongo(settings(engines.mongo_url, request.param), f"test-{uuid4().hex[:8]}")):
        yield made
        await made.database.client.drop_database(made.database.name)


async def test_documents_keep_their_types(mongo: Mongo) -> None:
    notes, key = mongo.collection("notes"), uuid4()
    await notes.insert_one({"_id": key, "text": "milk"})
    assert await notes.find_one({"_id": key}) == {"_id": key, "text": "milk"}
    assert await notes.find({}).sort("_id", ASCENDING).limit(5).to_list(None) == [{"_id": key, "text": "milk"}]


async def test_aggregate_answers_with_a_list(mongo: Mongo) -> None:
    notes = mongo.collection("notes")
    await notes.insert_many([{"_id": 1, "size": 2}, {"_id": 2, "size": 3}])
    assert await mongo.aggregate(notes, [{"$group": {"_id": None, "sum": {"$sum": "$size"}}}]) == [
        {"_id": None, "sum": 5}
    ]


async def test_declared_indexes_are_made_and_made_again(mongo: Mongo) -> None:
    declared = {"notes": [IndexModel([("email", ASCENDING)], unique=True, name="email")], "empty": []}
    for _ in range(2):
        async with Indexes(mongo, declared):
            pass
    notes = mongo.collection("notes")
    await notes.insert_one({"_id": 1, "email": "a"})
    with pytest.raises(DuplicateKeyError):
        await notes.insert_one({"_id": 2, "email": "a"})


async def test_the_time_of_a_block_is_one_budget(mongo: Mongo) -> None:
    with pytest.raises(DeadlineExceeded), engine_calls(1e-6):
        await mongo.collection("notes").find_one({})


async def test_a_mistake_of_ours_is_not_translated(mongo: Mongo) -> None:
    await mongo.collection("notes").insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError), engine_calls(10):
        await mongo.collection("notes").insert_one({"_id": 1})


async def test_commands_are_measured(mongo: Mongo) -> None:
    def count() -> float:
        labels = {"command": "distinct", "outcome": "ok"}  # which nothing sends by itself, in the background
        return measured("primetrade_mongo_command_duration_seconds_count", **labels) or 0

    before = count()
    await mongo.collection("notes").distinct("title")
    assert count() == before + 1


@pytest.mark.parametrize("driver", DRIVERS)
async def test_a_server_that_is_away_is_named_and_unavailable(driver: str) -> None:
    url = f"mongodb://127.0.0.1:{free_port()}/"
    away = Mongo(settings(url, driver).model_copy(update={"startup_timeout": 0.3}), "x")
    with pytest.raises(EngineAway, match="MongoDB did not answer"):
        await away.__aenter__()
    with pytest.raises((Unavailable, DeadlineExceeded)), engine_calls(1):
        await away.collection("notes").find_one({})
    await away.__aexit__()
