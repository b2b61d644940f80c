"""The profiles are made anew from their topic while people go on reading and changing them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from primetrade.auth.v1 import auth_pb2
from primetrade.users.v1 import users_pb2

from chassis.clock import SystemClock
from chassis.errors import NotFound
from chassis.events.admin import Topics
from chassis.events.comparing import Comparison, Untold
from chassis.events.rebuild import Rebuild, Refused
from chassis.events.replay import Replay
from chassis.events.topics import AUTH, USERS
from chassis.generations import POINTERS
from chassis.mongo import Collection, Document, Mongo
from chassis.schedule import LEASES, Lease
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from services.users.app import COMMANDS, rebuilt
from services.users.settings import Settings
from services.users.store.projection import ProfileProjection
from services.users.tests.world import World, profile, register, running, settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def own(engines: Engines, issuer: Issuer) -> AsyncIterator[World]:
    """A service that a test may do anything to. What it reads comes from MongoDB."""
    async with running(settings(engines, issuer, profile_cache_size=1, profile_cache_seconds=1), issuer) as world:
        yield world


async def rebuild(world: World, untold: Untold = Untold.REFUSED) -> tuple[Comparison, int]:
    return await rebuilt(world.settings, untold, lambda _: None)


async def quiet(world: World) -> None:
    """Wait until everything is published and cleared."""

    async def cleared() -> bool:
        return await world.profiles.find_one({"pending_since": {"$exists": True}}) is None

    await eventually(cleared, "everything to be published")


async def collections(world: World) -> list[str]:
    names = await world.process.component(Mongo).database.list_collection_names()
    return sorted(name for name in names if name.startswith("profiles"))


async def rows(world: World) -> list[Document]:
    """What is stored, but for an outbox that is empty."""
    return list(await world.profiles.find({}, {"pending": False}).sort("_id").to_list(None))


def counts(result: Comparison) -> tuple[int, int, int, int, int]:
    return result.rows, result.added, result.changed, result.removed, result.kept


async def gapless(world: World, profile_id: str, last: int) -> None:
    seen = [event.sequence for event, _ in await world.events(profile_id, until=last)]
    assert list(dict.fromkeys(seen)) == list(range(1, last + 1))


async def test_what_was_damaged_missing_or_forged_is_right_again(own: World) -> None:
    people = [await own.person(f"Person {number}") for number in range(5)]
    people[0] = await own.update("me", people[0].id, "name", name="Ada King")
    await quiet(own)
    damaged, missing, behind, *_ = (UUID(person.id) for person in people)
    await own.profiles.update_one({"_id": damaged}, {"$set": {"name": "Mallory", "roles": ["operator"]}})
    await own.profiles.delete_one({"_id": missing})
    await own.profiles.update_one({"_id": behind}, {"$set": {"sequence": 0, "version": 0}})
    await own.profiles.insert_one({"_id": (forged := uuid4()), "name": "Nobody", "version": 1})
    result, made = await rebuild(own)
    assert counts(result) == (5, 1, 2, 1, 0)
    assert (result.generation, result.records, result.undecodable, made) == (2, 6, 0, 0)
    await own.process.component(Mongo).generations("profiles").follow()
    for person in people:
        assert await own.get("me", person.id) == person
    with pytest.raises(NotFound):
        await own.get("me", str(forged))
    # The numbering goes on where it was.
    for person, version in zip(people, (2, 1, 1, 1, 1), strict=True):
        changed = await own.update("me", person.id, "name", name="After", etag=person.etag)
        assert changed.etag == str(version + 1)
        await gapless(own, person.id, version + 1)


@pytest.mark.slow
async def test_a_rebuild_of_what_is_right_changes_nothing_and_leaves_the_generation_before(own: World) -> None:
    for number in range(3):
        await own.person(f"Person {number}")
    await quiet(own)
    before = await rows(own)
    for generation in (2, 3, 4):
        result, _ = await rebuild(own)
        assert counts(result) == (3, 0, 0, 0, 0)
        assert result.generation == generation
        assert len(await collections(own)) == 2
        await own.process.component(Mongo).generations("profiles").follow()
        assert await rows(own) == before


async def test_what_is_not_published_is_carried_over(own: World) -> None:
    told, new = UUID((await own.person("Published")).id), uuid4()
    await quiet(own)
    unpublished = {
        "id": uuid4(), "type": "primetrade.users.v1.ProfileUpdated", "seq": 2, "time": SystemClock().now(),
        "data": b"", "actor": "", "traceparent": "",
    }  # fmt: skip
    # Its time is to come: the sweep of the running service leaves it alone.
    held = {"name": "Unpublished", "version": 2, "pending": [unpublished]}
    held["pending_since"] = SystemClock().now() + timedelta(hours=1)
    row: Document = await own.profiles.find_one({"_id": told}) or {}
    await own.profiles.update_one({"_id": told}, {"$set": {**held, "sequence": 2}})
    await own.profiles.insert_one({**row, **held, "sequence": 1, "_id": new})
    mongo = own.process.component(Mongo)
    result = await Rebuild(own.settings, mongo, ProfileProjection(), SystemClock(), lambda _: None).run()
    assert counts(result) == (2, 0, 0, 0, 0)
    for id, sequence in ((told, 2), (new, 1)):
        after: Document = await own.profiles.find_one({"_id": id}) or {}
        assert (after["name"], after["version"], after["sequence"]) == ("Unpublished", 2, sequence)
        assert [event["id"] for event in after["pending"]] == [unpublished["id"]]
        assert "pending_since" in after


@pytest.mark.slow
async def test_under_a_load_of_writes_nothing_is_lost_and_no_read_fails(engines: Engines, issuer: Issuer) -> None:
    values = settings(engines, issuer, profile_cache_size=1)
    async with running(values, issuer) as one, running(values, issuer) as other:
        people = [await one.person(f"Person {number}") for number in range(6)]
        names: dict[str, str] = {person.id: person.name for person in people}
        versions: dict[str, int] = {person.id: 1 for person in people}
        stop = asyncio.Event()
        reads = 0

        async def write(world: World, mine: Iterable[users_pb2.Profile]) -> None:
            turn = 0
            while not stop.is_set():
                for person in mine:
                    turn += 1
                    changed = await world.update("me", person.id, "name", name=f"Turn {turn}")
                    names[person.id], versions[person.id] = changed.name, int(changed.etag)
                created = await world.person(f"New {turn}")
                names[created.id], versions[created.id] = created.name, 1

        async def read(world: World) -> None:
            nonlocal reads
            while not stop.is_set():
                for person in people:
                    assert (await world.get("me", person.id)).id == person.id
                    reads += 1

        async with asyncio.TaskGroup() as load:
            for world, mine in ((one, people[:3]), (other, people[3:])):
                load.create_task(write(world, mine))
                load.create_task(read(world))
            for generation in (2, 3, 4):
                before, read_before = len(names), reads
                result, _ = await rebuild(one)
                assert (result.generation, result.removed) == (generation, 0)

                def went_on(before: int = before, read_before: int = read_before) -> bool:
                    return len(names) > before and reads > read_before

                await eventually(went_on, "the load to go on")
            stop.set()
        await quiet(one)
        assert await one.profiles.count_documents({}) == len(names)
        async for row in one.profiles.find({}):
            id = str(row["_id"])
            assert (row["name"], row["version"], row["sequence"]) == (names[id], versions[id], versions[id])
        for person in people:
            await gapless(one, person.id, versions[person.id])


@pytest.mark.slow
async def test_another_process_follows_a_switch(engines: Engines, issuer: Issuer) -> None:
    values = settings(engines, issuer, profile_cache_size=1)
    async with running(values, issuer) as one, running(values, issuer) as other:
        hers = await one.person()
        await quiet(one)
        await one.profiles.update_one({"_id": UUID(hers.id)}, {"$set": {"name": "Mallory"}})

        async def named(name: str) -> bool:
            return (await other.get("me", hers.id)).name == name

        await rebuild(one)
        await eventually(lambda: named("Ada"), "the other process to follow")


@pytest.mark.slow
async def test_an_account_that_never_got_its_profile_gets_it(engines: Engines, issuer: Issuer) -> None:
    """As when the consumer had put the registration aside, or its offsets were lost beyond it."""
    values = settings(engines, issuer)
    lost = profile("Lost")
    account = auth_pb2.Account(id=lost.id, name=lost.name, email=lost.email, roles=lost.roles)
    account.create_time.CopyFrom(lost.create_time)
    async with Topics(values, "auth", publishes=[AUTH]):
        pass
    await register(values, account)
    await register(values, auth_pb2.Account(id="no id at all"))
    result, made = await rebuilt(values, Untold.REFUSED, lambda _: None)
    assert (result.rows, made) == (0, 1)
    async with running(values, issuer) as world:
        assert (await world.get("me", lost.id)).name == "Lost"
        assert (await world.update("me", lost.id, "name", name="Found")).etag == "2"
        await gapless(world, lost.id, 2)


@pytest.mark.slow
async def test_a_topic_that_was_cut_is_not_taken_for_the_whole(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = await own.person()
    await quiet(own)
    connect = Replay._connect

    async def cut(self: Replay) -> None:
        await connect(self)
        self.beginnings = dict.fromkeys(self.beginnings, 7)

    monkeypatch.setattr(Replay, "_connect", cut)
    with pytest.raises(Refused, match=r"users.v1 no longer reaches back .* begins at offset 7"):
        await rebuild(own)
    assert await own.process.component(Mongo).collection(POINTERS).find_one({}) == {
        "_id": "profiles", "generation": 1, "live": "profiles"
    }  # fmt: skip
    assert await collections(own) == ["profiles"]
    result, made = await rebuild(own, Untold.KEPT)
    assert (counts(result), made) == ((1, 0, 0, 0, 0), 0)
    assert await own.get("me", told.id) == told


@pytest.mark.slow
async def test_of_two_rebuilds_one_is_refused(own: World) -> None:
    mongo = own.process.component(Mongo)
    lease = Lease(mongo.collection(LEASES), "rebuild-profiles", "somebody else", SystemClock())
    assert await lease.acquire()
    said: list[str] = []
    second = Rebuild(own.settings, mongo, ProfileProjection(), SystemClock(), said.append, lease_seconds=0.5)
    with pytest.raises(Refused, match="another rebuild of profiles is under way"):
        await second.run()
    assert said
    await lease.release()
    await second.run()


async def test_what_the_topic_does_not_tell_of_is_a_persons_decision(own: World) -> None:
    hers = await own.person()
    await quiet(own)
    mongo = own.process.component(Mongo)
    # Topics that tell nothing, as after a broker lost its log.
    forgotten = own.settings.model_copy(update={"kafka_prefix": f"t{uuid4().hex[:8]}"})
    async with Topics(forgotten, "users", publishes=[USERS]):
        pass

    async def rebuild(untold: Untold) -> Comparison:
        return await Rebuild(forgotten, mongo, ProfileProjection(), SystemClock(), lambda _: None, untold).run()

    with pytest.raises(Refused, match=f"1 rows of profiles tell of events .* {hers.id}"):
        await rebuild(Untold.REFUSED)
    assert (await own.profiles.find_one({"_id": UUID(hers.id)})) is not None
    assert counts(await rebuild(Untold.KEPT)) == (1, 0, 0, 0, 1)
    assert await own.get("me", hers.id) == hers
    assert (await own.update("me", hers.id, "name", name="Kept")).etag == "2"
    await quiet(own)
    assert counts(await rebuild(Untold.DROPPED)) == (0, 0, 0, 1, 0)


@pytest.mark.slow
async def test_what_another_run_has_cleared_away_does_not_go_live(own: World) -> None:
    hers = await own.person()
    await quiet(own)

    class ClearedAway(ProfileProjection):
        async def carry(self, old: Collection, fresh: Collection) -> None:
            # As for a run that was stopped for so long that the next one has begun.
            await fresh.drop()
            await fresh.insert_one({"_id": uuid4()})

    mongo = own.process.component(Mongo)
    with pytest.raises(Refused):
        await Rebuild(own.settings, mongo, ClearedAway(), SystemClock(), lambda _: None).run()
    assert await collections(own) == ["profiles"]
    assert (await own.update("me", hers.id, "name", name="Ada King")).etag == "2"


DOOMED = """
import asyncio, os, signal, sys
from chassis import generations
from chassis.clock import SystemClock
from chassis.events.rebuild import Rebuild
from chassis.mongo import Mongo
from chassis.settings import read_settings
from services.users.settings import Settings
from services.users.store.projection import ProfileProjection

generations.CLOSED_SECONDS = 1.0

class Doomed(ProfileProjection):
    async def carry(self, old, fresh):
        if sys.argv[1] == "closed":
            os.kill(os.getpid(), signal.SIGKILL)

def say(line):
    print(line, flush=True)
    if sys.argv[1] in line:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    settings = read_settings(Settings)
    async with (mongo := Mongo(settings, "users", rebuilt=["profiles"])):
        await Rebuild(settings, mongo, Doomed(), SystemClock(), say, lease_seconds=1).run()

asyncio.run(main())
"""


def environment(values: Settings) -> dict[str, str]:
    """The settings as a process reads them."""
    told: dict[str, Any] = values.model_dump(exclude_unset=True)
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/protos/gen"} | {
        name.upper(): getattr(value, "get_secret_value", lambda value=value: str(value))()
        for name, value in told.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["comparing", "closed"])
async def test_a_rebuild_that_is_killed_leaves_the_old_profiles_and_the_next_one_works(own: World, moment: str) -> None:
    hers = await own.person()
    await quiet(own)
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", DOOMED, moment], env=environment(own.settings), cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(await collections(own)) == 2
    assert await own.get("me", hers.id) == hers
    # A write waits until the closed collection is given up, no longer.
    changed = await own.update("me", hers.id, "name", name="Ada King")
    assert changed.etag == "2"
    await quiet(own)
    result, _ = await rebuild(own)
    assert counts(result) == (1, 0, 0, 0, 0)
    assert len(await collections(own)) == 2
    pointer: Document = await own.process.component(Mongo).collection(POINTERS).find_one({}) or {}
    assert (pointer["generation"], "closing" in pointer) == (2, False)
    assert (await own.update("me", hers.id, "name", name="Ada Byron")).etag == "3"


@pytest.mark.parametrize("words", [["--all"], ["--keep", "--drop"], ["keep"]])
async def test_wrong_words_are_refused(engines: Engines, issuer: Issuer, words: list[str]) -> None:
    command, values = COMMANDS["rebuild"], settings(engines, issuer)
    with pytest.raises(SystemExit) as refused:
        await command.run(values, words)  # type: ignore[union-attr]
    assert refused.value.code == 2
    async with (mongo := Mongo(values, "users")):
        assert await mongo.collection(POINTERS).find_one({}) is None


async def test_the_command_says_what_it_does(own: World) -> None:
    await own.person()
    await quiet(own)
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "services.users", "rebuild"], env=environment(own.settings), cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-3] == "rows 1, added 0, changed 0, removed 0, kept 0"
    assert "reading" in run.stdout
