"""The event log: with `pending` it holds every event at every moment, and publishes it again as it was."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.events.publishing.clearing import Clearing
from chassis.events.publishing.command import republish, since
from chassis.events.publishing.eventlog import EventLog, Logged, following_id, least_id
from chassis.events.publishing.limits import RelayLimits
from chassis.events.topics import TASKS
from chassis.process import Words
from chassis.settings import ServiceSettings
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.tests.notes import Note, NoteProcess, Reader, in_order, notes, settings_for

NOW = datetime(2030, 1, 31, 8, tzinfo=UTC)


@pytest.fixture
def settings(engines: Engines) -> ServiceSettings:
    return settings_for(engines)


@pytest.fixture
async def process(settings: ServiceSettings) -> AsyncIterator[NoteProcess]:
    async with NoteProcess(settings, limits=RelayLimits(sweep_every=0.2, sweep_grace=0.5)).running() as made:
        yield made


async def logged_of(process: NoteProcess, after: datetime | None = None) -> list[Logged]:
    return [each async for each in process.relay._event_log.read(TASKS.name(process.settings.kafka_prefix), after)]


async def test_what_is_published_is_logged_as_it_was(process: NoteProcess) -> None:
    async with Reader(process.settings).reading() as reader:
        for note in notes(5):
            await process.store.insert(note)
            await process.write(note, "again")
        await eventually(process.quiet, "everything cleared")
        await eventually(lambda: len(reader.events) == 10, "every event")
        logged = [each.event for each in await logged_of(process)]
        assert {event.id: event for event in logged} == {event.id: event for event in reader.events}
        assert {tuple(event.headers()) for event in logged} == {tuple(headers) for headers in reader.headers}


async def test_an_event_leaves_its_document_only_when_it_is_in_the_log(
    process: NoteProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: EventLog, __: Iterable[Logged]) -> None:
        raise ConnectionError("no log today")

    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "append", fails)
        async with Reader(process.settings).reading() as reader:
            note = Note.new()
            await process.store.insert(note)
            await eventually(lambda: reader.events, "the event")
            for _ in range(3):
                with pytest.raises(ConnectionError):
                    await process.relay._clearing.clear()
            assert await process.unpublished() == 1
    await eventually(process.quiet, "cleared once it is logged")
    assert [each.event.subject for each in await logged_of(process)] == [str(note.id)]


async def test_a_clear_that_a_loss_has_overtaken_leaves_the_events_in_their_documents(
    settings: ServiceSettings,
) -> None:
    """Acknowledged by a log that is lost, and perhaps not in the event log when that was published again."""
    async with NoteProcess(settings).stored() as process:
        outbox, continuity = process.relay._outboxes[0], process.relay._continuity
        await continuity.refresh(outbox.topic)
        clearing, event_log = Clearing(process.relay._event_log, continuity, RelayLimits()), process.relay._event_log
        offered: list[Any] = []
        process.relay.offer = offered.append  # type: ignore[assignment,method-assign]
        note = Note.new()
        await process.store.insert(note)
        clearing.acknowledged(offered[0], continuity.epoch(outbox.topic))
        # Another process notices the loss, and publishes the whole log again.
        other = NoteProcess(settings)
        async with other.stored():
            await other.relay._continuity.refresh(outbox.topic)
            await other.relay._continuity.lose(outbox.topic)
            assert [each async for each in event_log.read(outbox.topic)] == []
            await other.relay._continuity.restored(outbox.topic, {})
        await clearing.clear()
        assert await process.unpublished() == 1
        assert clearing.unpublished(offered[0]) == offered[0].events


async def test_rows_that_are_there_keep_no_other_out(process: NoteProcess) -> None:
    async with Reader(process.settings).reading() as reader:
        for note in notes(6):
            await process.store.insert(note)
        await eventually(lambda: len(reader.events) == 6, "every event")
        topic, event_log = TASKS.name(process.settings.kafka_prefix), process.relay._event_log
        await eventually(process.quiet, "everything cleared")
        new = Note.new()
        async with NoteProcess(process.settings).stored() as silent:
            await silent.store.insert(new)
        document = await process.document(new)
        event = Logged(topic, _event_like(reader, document["pending"][0]["id"]))
        known = [Logged(topic, each) for each in reader.events]
        await event_log.append([*known[:3], event, *known[3:]])
        assert len(await logged_of(process)) == 7


def _event_like(reader: Reader, id: UUID) -> Any:
    from dataclasses import replace

    return replace(reader.events[0], id=id)


async def test_ids_ascend_within_an_aggregate_whatever_the_clocks(process: NoteProcess) -> None:
    ahead, behind = UUID(int=least_id(NOW).int | 5 << 62), least_id(NOW - timedelta(seconds=1))
    assert following_id(behind, ahead) > ahead
    assert following_id(ahead, behind) == ahead
    note = Note.new()
    await process.store.insert(note)
    far = UUID(int=least_id(datetime(2100, 1, 1, tzinfo=UTC)).int + 1)
    await process.notes.update_one({"_id": note.id}, {"$set": {"last_event": far}})
    await process.write(note, "again")
    assert (await process.document(note))["last_event"] == UUID(int=far.int + 1)


async def test_the_log_keeps_its_days(process: NoteProcess) -> None:
    note = Note.new()
    await process.store.insert(note)
    await eventually(process.quiet, "cleared")
    await process.relay._event_log.purge(process.clock, timedelta(minutes=5))
    assert len(await logged_of(process)) == 1
    await asyncio.sleep(0.005)
    await process.relay._event_log.purge(process.clock, timedelta(0))
    assert await logged_of(process) == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("90s", NOW - timedelta(seconds=90)),
        ("30d", NOW - timedelta(days=30)),
        ("2030-01-30T10:00:00+02:00", NOW - timedelta(days=1)),
        ("2030-01-30T08:00:00Z", NOW - timedelta(days=1)),
    ],
)
def test_since_is_a_time_or_how_long_ago(text: str, at: datetime) -> None:
    assert since(text, NOW) == at


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2", "-2h", "2h30m", "2030-01-30T08:00:00", "2031-01-01T00:00:00Z", "9" * 20 + "d"]
)
def test_since_says_what_is_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|yet to come|before all times"):
        since(text, NOW)


@pytest.mark.parametrize("words", [(), ("--since",), ("--until", "2h"), ("--since", "2h", "3h"), ("--since", "soon")])
async def test_wrong_words_end_the_command(
    settings: ServiceSettings, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    command: Words[ServiceSettings] = republish("notes", [TASKS])
    with pytest.raises(SystemExit) as ended:
        await command.run(settings, words)
    assert ended.value.code == 2
    assert "republish: " in capsys.readouterr().err


async def test_republishing_repeats_what_happened_since_in_order(
    process: NoteProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Reader(process.settings).reading() as reader:
        for note in notes(3):
            await process.store.insert(note)
        await eventually(process.quiet, "cleared")
        await asyncio.sleep(0.002)
        after = process.clock.now()
        made = list(notes(40))
        for note in made:
            await process.store.insert(note)
            await process.write(note, "again")
        await eventually(process.quiet, "cleared")
        await eventually(lambda: len(reader.events) == 83, "every event")
        seen, reader.events = reader.events, []
        command: Words[ServiceSettings] = republish("notes", [TASKS])
        await command.run(process.settings, ["--since", after.isoformat()])
        await eventually(lambda: len(reader.events) == 80, "the repeats")
        assert in_order(reader)
        assert {event.id: event for event in reader.events}.items() <= {event.id: event for event in seen}.items()
    assert "80 events" in capsys.readouterr().out


async def test_what_an_earlier_log_had_is_not_known_of_the_next(process: NoteProcess) -> None:
    """Left out of a batch as published it would be missing before what comes after it."""
    topic, relay = TASKS.name(process.settings.kafka_prefix), process.relay
    note = Note.new()
    offered: list[Any] = []
    process.relay.offer = offered.append  # type: ignore[assignment,method-assign]
    await process.store.insert(note)
    relay._clearing.acknowledged(offered[0], relay._continuity.epoch(topic))
    assert relay._clearing.unpublished(offered[0]) == []
    await relay._continuity.lose(topic)
    await relay._continuity.restored(topic, {})
    assert relay._clearing.unpublished(offered[0]) == offered[0].events
