"""What a store promises about an aggregate and its events, before any of them is published. On both drivers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest

from chassis.errors import AlreadyExists, NotFound, Unavailable, VersionMismatch
from chassis.events.publishing import pending as limits_of
from chassis.events.publishing.clearing import Clearing
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.pending import Pending, from_document
from chassis.events.publishing.races import retrying
from chassis.events.publishing.tombstones import purge
from chassis.testing.engines import Engines
from chassis.tests.notes import Hands, Note, NoteProcess, settings_for


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(params=["motor", "pymongo"])
async def process(engines: Engines, clock: Hands, request: pytest.FixtureRequest) -> AsyncIterator[NoteProcess]:
    """A process whose relay does not run: what is recorded stays in the documents."""
    settings = settings_for(engines, mongo_driver=request.param)
    async with NoteProcess(settings, clock).stored() as made:
        yield made


async def clearing_of(process: NoteProcess, limits: RelayLimits | None = None) -> Clearing:
    """A clearing of a process whose relay does not run."""
    await process.relay._continuity.refresh(process.relay._outboxes[0].topic)
    return Clearing(process.relay._event_log, process.relay._continuity, limits or RelayLimits())


async def clear(process: NoteProcess, note: Note, upto: int) -> None:
    """Do what a relay does once Kafka has the note's events up to a sequence."""
    outbox = process.relay._outboxes[0]
    events = from_document(await process.document(note), outbox.source)
    clearing = await clearing_of(process)
    epoch = process.relay._continuity.epoch(outbox.topic)
    clearing.acknowledged(Pending(outbox, {"_id": note.id, "owner_id": note.owner}, events[:upto]), epoch)
    await clearing.clear()


async def inserted(process: NoteProcess, events: int = 1) -> Note:
    note = Note.new(events=events)
    await process.store.insert(note)
    return note


def key(note: Note) -> dict[str, object]:
    return {"_id": note.id, "owner_id": note.owner}


async def test_state_and_events_are_one_document(process: NoteProcess, clock: Hands) -> None:
    note = await inserted(process)
    note.write("bread")
    await process.store.save(note)
    document = await process.document(note)
    assert (document["text"], document["version"], document["sequence"]) == ("bread", 2, 2)
    assert [event["seq"] for event in document["pending"]] == [1, 2]
    assert document["pending_since"] == clock.now()
    assert (note.version, note.sequence, note.recorded) == (2, 2, ())


async def test_what_is_loaded_is_what_was_saved(process: NoteProcess) -> None:
    note = await inserted(process)
    assert await process.store.load(key(note)) == note
    assert await process.store.read(key(note)) == note


async def test_an_id_is_given_once(process: NoteProcess) -> None:
    note = await inserted(process)
    with pytest.raises(AlreadyExists):
        await process.store.insert(Note(id=note.id, owner="o-2", text="again"))


async def test_a_save_without_a_change_writes_nothing(process: NoteProcess) -> None:
    note = await inserted(process)
    before = await process.document(note)
    loaded = await process.store.load(key(note))
    loaded.text = "milk"
    await process.store.save(loaded)
    assert await process.document(note) == before
    assert loaded.version == 1


async def test_a_list_changed_in_place_is_a_change(process: NoteProcess) -> None:
    note = await inserted(process)
    loaded = await process.store.load(key(note))
    loaded.words.append("white")
    await process.store.save(loaded)
    loaded.words.append("cold")
    await process.store.save(loaded)
    assert (await process.store.read(key(note))).words == ["white", "cold"]
    assert (await process.document(note))["sequence"] == 1


async def test_none_leaves_a_field_out(process: NoteProcess) -> None:
    note = await inserted(process)
    assert "label" not in await process.document(note)
    note.label = "shop"
    await process.store.save(note)
    assert (await process.document(note))["label"] == "shop"
    note.label = None
    await process.store.save(note)
    assert "label" not in await process.document(note)


async def test_one_of_two_concurrent_saves_is_refused(process: NoteProcess) -> None:
    note = await inserted(process)
    first, second = await process.store.load(key(note)), await process.store.load(key(note))
    first.write("bread")
    second.write("wine")
    await process.store.save(first)
    with pytest.raises(VersionMismatch):
        await process.store.save(second)
    assert (await process.store.read(key(note))).text == "bread"


async def test_retrying_lets_every_writer_in(process: NoteProcess) -> None:
    note = await inserted(process)

    async def append(word: str) -> None:
        loaded = await process.store.load(key(note))
        loaded.words.append(word)
        loaded.write("words")
        await process.store.save(loaded)

    words = [f"w{number}" for number in range(6)]
    # Each as in a process of its own: none waits for the turn of another.
    await asyncio.gather(*(retrying(partial(append, word), (note.id, word)) for word in words))
    assert sorted((await process.store.read(key(note))).words) == words
    assert [event["seq"] for event in (await process.document(note))["pending"]] == [1, 2, 3, 4, 5, 6, 7]


async def test_writers_of_one_process_take_turns_and_none_has_to_try_again(process: NoteProcess) -> None:
    note, attempts = await inserted(process), 0

    async def append(word: str) -> None:
        nonlocal attempts
        attempts += 1
        loaded = await process.store.load(key(note))
        loaded.words.append(word)
        await process.store.save(loaded)

    await asyncio.gather(*(retrying(partial(append, f"w{number}"), note.id) for number in range(40)))
    assert len((await process.store.read(key(note))).words) == 40
    assert attempts == 40


async def test_a_turn_that_is_given_up_goes_to_the_next() -> None:
    held = asyncio.Event()

    async def hold() -> str:
        await held.wait()
        return "held"

    async def follow() -> str:
        return "followed"

    first = asyncio.create_task(retrying(hold, "note"))
    waiting = [asyncio.create_task(retrying(follow, "note")) for _ in range(3)]
    other = asyncio.create_task(retrying(follow, "another note"))
    assert await other == "followed"
    assert not any(task.done() for task in waiting)
    waiting[0].cancel()
    first.cancel()
    assert await asyncio.gather(*waiting[1:]) == ["followed", "followed"]


async def test_who_always_comes_too_late_is_told_to_come_again_and_of_no_version() -> None:
    attempts = 0

    async def refused() -> None:
        nonlocal attempts
        attempts += 1
        raise VersionMismatch("note", "n-1")

    with pytest.raises(Unavailable):
        await retrying(refused, "n-1", attempts=3)
    assert attempts == 3


async def test_reading_leaves_pending_out_and_cannot_be_saved(process: NoteProcess) -> None:
    note = await inserted(process)
    for seen in (await process.store.read(key(note)), *process.store.aggregates([await process.document(note)])):
        seen.write("bread")
        with pytest.raises(TypeError):
            await process.store.save(seen)


async def test_the_oldest_unpublished_event_tells_the_age(process: NoteProcess, clock: Hands) -> None:
    note, began = await inserted(process), clock.now()
    clock.move(seconds=10)
    note.write("bread")
    await process.store.save(note)
    assert (await process.document(note))["pending_since"] == began
    await clear(process, note, 1)
    assert (await process.document(note))["pending_since"] == began + timedelta(seconds=10)


async def test_a_clock_that_went_back_lowers_the_age(process: NoteProcess, clock: Hands) -> None:
    note = await inserted(process)
    clock.move(seconds=-10)
    note.write("bread")
    await process.store.save(note)
    assert (await process.document(note))["pending_since"] == clock.now()


async def test_a_clear_keeps_what_was_appended_meanwhile(process: NoteProcess) -> None:
    note = await inserted(process)
    note.write("bread")
    await process.store.save(note)
    await clear(process, note, 1)
    document = await process.document(note)
    assert [event["seq"] for event in document["pending"]] == [2]
    assert "pending_since" in document
    await clear(process, note, 1)
    document = await process.document(note)
    assert document["pending"] == []
    assert "pending_since" not in document


async def test_many_documents_are_cleared_at_once(process: NoteProcess) -> None:
    outbox, clearing = process.relay._outboxes[0], await clearing_of(process, RelayLimits(clear_events=7))
    epoch = process.relay._continuity.epoch(outbox.topic)
    kept = []
    for number in range(20):
        note = await inserted(process, events=1 + 9 * (number % 5 == 0))
        events = from_document(await process.document(note), outbox.source)
        named = key(note) if number % 2 else {"_id": note.id}
        clearing.acknowledged(Pending(outbox, named, events), epoch)
        note.write("later")
        await process.store.save(note)
        kept.append(note)
    await clearing.clear()
    for note in kept:
        document = await process.document(note)
        assert [event["seq"] for event in document["pending"]] == [note.sequence]


async def test_a_save_does_not_bring_back_what_was_cleared(process: NoteProcess) -> None:
    note = await inserted(process)
    loaded = await process.store.load(key(note))
    await clear(process, note, 1)
    loaded.write("bread")
    await process.store.save(loaded)
    assert [event["seq"] for event in (await process.document(note))["pending"]] == [2]


async def test_a_removed_aggregate_leaves_a_tombstone(process: NoteProcess, clock: Hands) -> None:
    note = await inserted(process)
    other = await process.store.load(key(note))
    note.remove()
    await process.store.remove(note)
    document = await process.document(note)
    assert {"_id", "owner_id", "version", "sequence", "pending", "pending_since", "last_event", "deleted_at"} == set(
        document
    )
    assert (document["version"], document["sequence"], document["deleted_at"]) == (2, 2, clock.now())
    assert process.store.aggregates([document]) == []
    for look in (process.store.load, process.store.read):
        with pytest.raises(NotFound):
            await look(key(note))
    other.write("too late")
    with pytest.raises(VersionMismatch):
        await process.store.save(other)
    with pytest.raises(AlreadyExists):
        await process.store.insert(Note(id=note.id, owner=note.owner, text="again"))


async def test_tombstones_go_after_thirty_days_once_published(process: NoteProcess, clock: Hands) -> None:
    published, unpublished, living = [await inserted(process) for _ in range(3)]
    for note in (published, unpublished):
        note.remove()
        await process.store.remove(note)
    await clear(process, published, 2)
    clock.move(days=29)
    await purge(process.notes, clock)
    assert await process.notes.count_documents({}) == 3
    clock.move(days=2)
    await purge(process.notes, clock)
    left = {document["_id"] async for document in process.notes.find({})}
    assert left == {unpublished.id, living.id}


async def test_a_document_takes_a_thousand_unpublished_events(process: NoteProcess) -> None:
    note = await inserted(process, events=limits_of.MAX_EVENTS - 1)
    note.write("the last")
    await process.store.save(note)
    note.write("one too many")
    with pytest.raises(Unavailable):
        await process.store.save(note)
    await clear(process, note, limits_of.MAX_EVENTS)
    loaded = await process.store.load(key(note))
    loaded.write("room again")
    await process.store.save(loaded)
    assert [event["seq"] for event in (await process.document(note))["pending"]] == [limits_of.MAX_EVENTS + 1]


async def test_a_document_takes_a_mebibyte_of_unpublished_events(process: NoteProcess) -> None:
    note = await inserted(process)
    note.write("x" * 600_000)
    await process.store.save(note)
    note.write("y" * 600_000)
    with pytest.raises(Unavailable):
        await process.store.save(note)


async def test_a_change_that_no_batch_could_hold_is_a_bug(process: NoteProcess) -> None:
    with pytest.raises(ValueError, match="more than a record batch"):
        await process.store.insert(Note.new("x" * (limits_of.MAX_BYTES + 1)))


async def test_an_unknown_aggregate_is_not_found(process: NoteProcess) -> None:
    with pytest.raises(NotFound):
        await process.store.load(key(Note.new()))
