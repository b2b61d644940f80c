"""What a consumer may rely on, whatever happens to the processes that publish. On real engines."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from chassis.events.envelope import Event
from chassis.events.publishing.limits import RelayLimits
from chassis.events.publishing.producer import KafkaProducer, partition_of
from chassis.events.publishing.races import retrying
from chassis.events.topics import TASKS
from chassis.identity import Principal, set_principal
from chassis.settings import ServiceSettings
from chassis.telemetry.traces import continued
from chassis.testing.engines import Broker, Engines
from chassis.testing.eventually import eventually
from chassis.testing.measured import measured
from chassis.tests.notes import SOURCE, Hands, Note, NoteProcess, Reader, in_order, notes, settings_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
EAGER = RelayLimits(sweep_every=0.1, sweep_grace=0.0, lease=0.6)
"""A relay that soon sweeps."""
ALONE = RelayLimits(sweep_every=3600, outage=60)
"""A relay that publishes from memory alone."""


@pytest.fixture(params=["motor", "pymongo"])
def settings(engines: Engines, request: pytest.FixtureRequest) -> ServiceSettings:
    return settings_for(engines, mongo_driver=request.param)


@pytest.fixture
async def process(settings: ServiceSettings) -> AsyncIterator[NoteProcess]:
    async with NoteProcess(settings, limits=EAGER).running() as made:
        yield made


@pytest.fixture
async def reader(process: NoteProcess) -> AsyncIterator[Reader]:
    async with Reader(process.settings).reading() as made:
        yield made


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    """A broker that a test may stop."""
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
        yield broker


def settings_at(broker: Broker, settings: ServiceSettings, **changed: object) -> ServiceSettings:
    """The same settings with another broker."""
    where = {
        "kafka_bootstrap_servers": broker.bootstrap_servers, "kafka_idempotence": broker.kafka_idempotence
    }  # fmt: skip
    return settings.model_copy(update=where | changed)


def dropped() -> float:
    return measured("primetrade_relay_dropped_events_total") or 0.0


class Sends:
    """Watches what goes to the producer, and lets a test refuse or hold it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[tuple[str, int]]] = []
        self.refuse = 0
        self.gate = asyncio.Event()
        self.gate.set()
        send = KafkaProducer.send

        async def watched(
            producer: KafkaProducer, topic: str, partition: int, events: Sequence[Event], epoch: int
        ) -> None:
            self.batches.append([(event.subject, event.sequence) for event in events])
            await self.gate.wait()
            if self.refuse > 0:
                self.refuse -= 1
                raise ConnectionError("refused")
            await send(producer, topic, partition, events, epoch)

        monkeypatch.setattr(KafkaProducer, "send", watched)


async def write(process: NoteProcess, key: dict[str, object], text: str) -> None:
    async def once() -> None:
        note = await process.store.load(key)
        note.write(text)
        await process.store.save(note)

    # Under a turn of its own: writers race as those of several processes do.
    await retrying(once, object(), attempts=50)


async def test_an_event_is_as_promised(process: NoteProcess, reader: Reader) -> None:
    note = Note.new("milk")

    async def call() -> None:
        set_principal(Principal("a-7", "s-1", frozenset(), frozenset(), process.clock.now(), "t"))
        with continued(f"00-{TRACE}-b7ad6b7169203331-00", "call"):
            await process.store.insert(note)

    await asyncio.create_task(call())
    await eventually(lambda: reader.events, "the event")
    headers = {name: value.decode() for name, value in reader.headers[0]}
    event = reader.events[0]
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_type"] == "primetrade.tasks.v1.TaskUpdated"
    assert headers["ce_source"] == SOURCE
    assert headers["ce_subject"] == headers["ce_partitionkey"] == str(note.id)
    assert headers["ce_sequence"] == "0000000001"
    assert headers["ce_actor"] == "a-7"
    assert TRACE in headers["ce_traceparent"]
    assert event.id.version == 7
    assert event.message().task.title == "milk"  # type: ignore[attr-defined]


async def test_two_processes_write_the_same_aggregates_in_order(settings: ServiceSettings) -> None:
    first, second = NoteProcess(settings, limits=EAGER), NoteProcess(settings, limits=EAGER)
    async with first.running(), second.running(), Reader(settings).reading() as reader:
        made = list(notes(12))
        for note in made:
            await first.store.insert(note)
        keys = [{"_id": note.id, "owner_id": note.owner} for note in made]
        await asyncio.gather(
            *(write(process, key, f"{n}") for n in range(5) for process in (first, second) for key in keys)
        )
        await eventually(lambda: reader.distinct() == 12 * 11, "every event")
        assert in_order(reader)
        assert all(len(seen) == 11 for seen in reader.first_seen().values())
        await eventually(first.quiet, "everything cleared")


async def test_what_is_acknowledged_is_not_published_again(settings: ServiceSettings) -> None:
    slow = RelayLimits(sweep_every=0.05, sweep_grace=0.0, clear_every=1.0)
    async with NoteProcess(settings, limits=slow).running() as process, Reader(settings).reading() as reader:
        note = Note.new()
        await process.store.insert(note)
        for _ in range(9):
            await eventually(lambda: reader.distinct() == note.sequence, "the last event")
            loaded = await process.store.load({"_id": note.id, "owner_id": note.owner})
            loaded.write("again")
            await process.store.save(loaded)
            note.sequence = loaded.sequence
        await eventually(lambda: reader.distinct() == 10, "the last event")
        await eventually(process.quiet, "everything cleared")
        assert reader.sequences()[str(note.id)] == list(range(1, 11))


async def test_a_crash_before_the_clear_only_repeats(settings: ServiceSettings) -> None:
    never = RelayLimits(sweep_every=0.1, sweep_grace=0.0, lease=0.6, clear_every=3600)
    made = list(notes(10))
    async with Reader(settings).reading() as reader:
        async with NoteProcess(settings, limits=never).running() as process:
            for note in made:
                await process.store.insert(note)
                await write(process, {"_id": note.id, "owner_id": note.owner}, "again")
            await eventually(lambda: reader.distinct() == 20, "every event")
            assert await process.unpublished() == 10
            await process.crash()
        async with NoteProcess(settings, limits=EAGER).running() as process:
            await eventually(process.quiet, "the other's sweep cleared")
        await eventually(lambda: len(reader.events) >= 40, "the repeats")
        assert reader.distinct() == 20
        assert in_order(reader)


async def test_events_of_a_process_without_a_relay_are_swept(settings: ServiceSettings) -> None:
    async with NoteProcess(settings).stored() as silent:
        for note in notes(30):
            await silent.store.insert(note)
            note.write("again")
            await silent.store.save(note)
    small = RelayLimits(sweep_every=0.1, sweep_grace=0.0, sweep_page=7)
    async with NoteProcess(settings, limits=small).running() as process, Reader(settings).reading() as reader:
        await eventually(process.quiet, "the sweep")
        await eventually(lambda: reader.distinct() == 60, "every event")
        assert in_order(reader)
        assert len(reader.events) == 60


async def test_a_sweep_goes_through_pages_of_one_moment(settings: ServiceSettings) -> None:
    clock = Hands()
    async with NoteProcess(settings, clock).stored() as silent:
        for note in notes(25):
            await silent.store.insert(note)
    clock.move(seconds=5)
    small = RelayLimits(sweep_every=3600, outage=60, sweep_grace=1.0, sweep_page=4)
    async with NoteProcess(settings, clock, small).running(), Reader(settings).reading() as reader:
        await eventually(lambda: reader.distinct() == 25, "one sweep finds them all")


async def test_a_sweep_leaves_young_events_to_their_writer(settings: ServiceSettings) -> None:
    clock = Hands()
    async with NoteProcess(settings, clock).stored() as silent:
        old, young = list(notes(2))
        await silent.store.insert(old)
        clock.move(seconds=9)
        await silent.store.insert(young)
    clock.move(seconds=2)
    patient = RelayLimits(sweep_every=0.05, sweep_grace=10.0)
    async with NoteProcess(settings, clock, patient).running() as process, Reader(settings).reading() as reader:
        await eventually(lambda: reader.events, "the old one")
        await eventually(lambda: _cleared(process, old), "the old one cleared")
        assert [event.subject for event in reader.events] == [str(old.id)]
        clock.move(seconds=10)
        await eventually(lambda: len(reader.events) == 2, "the young one, grown old")


async def _cleared(process: NoteProcess, note: Note) -> bool:
    return "pending_since" not in await process.document(note)


async def test_a_document_goes_whole_into_one_batch(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    sends = Sends(monkeypatch)
    async with NoteProcess(settings, limits=ALONE).running() as process, Reader(settings).reading() as reader:
        note = Note.new(events=900)
        await process.store.insert(note)
        await eventually(lambda: reader.distinct() == 900, "every event")
        assert sends.batches == [[(str(note.id), sequence) for sequence in range(1, 901)]]


async def test_what_another_process_has_not_published_goes_first(settings: ServiceSettings) -> None:
    note = Note.new()
    async with NoteProcess(settings).stored() as silent:
        await silent.store.insert(note)
    old = RelayLimits(sweep_every=3600, outage=60, sweep_grace=3600)
    async with NoteProcess(settings, limits=old).running() as process, Reader(settings).reading() as reader:
        await write(process, {"_id": note.id, "owner_id": note.owner}, "again")
        await eventually(lambda: reader.distinct() == 2, "both events")
        assert reader.sequences()[str(note.id)] == [1, 2]


async def test_one_batch_of_a_partition_is_in_flight(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends = Sends(monkeypatch)
    settings = settings.model_copy(update={"kafka_partitions": 1})
    async with NoteProcess(settings, limits=ALONE).running() as process, Reader(settings).reading() as reader:
        sends.gate.clear()
        made = list(notes(20))
        for note in made:
            await process.store.insert(note)
            await write(process, {"_id": note.id, "owner_id": note.owner}, "again")
        await eventually(lambda: sends.batches, "the first batch")
        assert len(sends.batches) == 1
        sends.gate.set()
        await eventually(lambda: reader.distinct() == 40, "every event")
        # All that came while the first was under way went in the second.
        assert len(sends.batches) == 2
        assert in_order(reader)
        assert len(reader.events) == 40


async def test_a_refused_batch_comes_before_anything_later(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends = Sends(monkeypatch)
    async with NoteProcess(settings, limits=ALONE).running() as process, Reader(settings).reading() as reader:
        sends.refuse = 3
        note = Note.new()
        await process.store.insert(note)
        await eventually(lambda: sends.batches, "the first attempt")
        await write(process, {"_id": note.id, "owner_id": note.owner}, "again")
        await eventually(lambda: reader.distinct() == 2, "both events")
        assert [sequence for batch in sends.batches for _, sequence in batch] == [1, 1, 1, 1, 2]


async def test_memory_is_bounded_and_the_rest_is_swept(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends, before = Sends(monkeypatch), dropped()
    tight = RelayLimits(queue_events=20, outage=60, sweep_every=0.2, sweep_grace=0.5, batch_events=5)
    async with NoteProcess(settings, limits=tight).running() as process, Reader(settings).reading() as reader:
        sends.gate.clear()
        for note in notes(100):
            await process.store.insert(note)
        assert process.relay._budget.events <= 20
        assert dropped() - before >= 80
        sends.gate.set()
        await eventually(lambda: reader.distinct() == 100, "every event")
        await eventually(process.quiet, "everything cleared")
        assert process.relay._budget.events == process.relay._budget.bytes == 0


@pytest.mark.slow
async def test_an_outage_leaves_the_backlog_to_one_sweep(settings: ServiceSettings, own_broker: Broker) -> None:
    settings = settings_at(own_broker, settings)
    limits = RelayLimits(outage=0.3, sweep_every=0.1, sweep_grace=0.5, lease=30, longest_pause=0.5)
    first, second = NoteProcess(settings, limits=limits), NoteProcess(settings, limits=limits)
    async with first.running(), second.running(), Reader(settings).reading() as reader:
        warm = Note.new()
        await first.store.insert(warm)
        await eventually(lambda: reader.distinct() == 1, "a first event")
        before = dropped()
        own_broker.pause()
        try:
            made = list(notes(150))
            for number, note in enumerate(made):
                await (first, second)[number % 2].store.insert(note)
            await eventually(lambda: dropped() > before, "the queue dropped")
            for number, note in enumerate(made):
                key = {"_id": note.id, "owner_id": note.owner}
                await write((first, second)[number // 2 % 2], key, "meanwhile")
            # What is left in memory is what is in flight, and at most a probe of each partition.
            assert sum(len(lane._queue) for lane in first.relay._lanes.values()) <= 6
        finally:
            own_broker.resume()
        await eventually(lambda: reader.distinct() == 301, "every event", seconds=60)
        await eventually(first.quiet, "everything cleared")
        assert in_order(reader)
        assert len(reader.events) - reader.distinct() < 100


async def test_leaving_publishes_and_clears_what_is_in_memory(settings: ServiceSettings) -> None:
    patient = settings.model_copy(update={"drain_timeout": 60})
    limits = RelayLimits(sweep_every=3600, outage=60, clear_every=3600, engine=60)
    async with Reader(settings).reading() as reader:
        async with NoteProcess(patient, limits=limits).stored() as process:
            async with process.relay:
                for note in notes(50):
                    await process.store.insert(note)
            assert await process.unpublished() == 0
        await eventually(lambda: reader.distinct() == 50, "every event")


async def test_leaving_takes_no_longer_than_it_may_while_kafka_is_away(
    settings: ServiceSettings, own_broker: Broker
) -> None:
    process = NoteProcess(settings_at(own_broker, settings, drain_timeout=0.5), limits=ALONE)
    async with process.stored():
        await process.relay.__aenter__()
        own_broker.pause()
        try:
            for note in notes(5):
                await process.store.insert(note)
            began = time.monotonic()
            await process.relay.__aexit__()
            assert time.monotonic() - began < 8
        finally:
            own_broker.resume()
        assert await process.unpublished() == 5


@pytest.mark.slow
async def test_a_killed_writer_loses_nothing(settings: ServiceSettings) -> None:
    async with NoteProcess(settings, limits=EAGER).running() as process, Reader(settings).reading() as reader:
        writer = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chassis.tests.writer",
            env={**os.environ, **_environment(settings), "PYTHONPATH": ".:protos/gen"},
            stdout=asyncio.subprocess.PIPE,
        )
        assert writer.stdout is not None
        saved = set[tuple[str, ...]]()  # it may log between the saves it tells of
        while len(saved) < 200:
            line = await asyncio.wait_for(writer.stdout.readline(), 60)
            assert line, "the writer has ended"
            saved |= _saves(line)
        writer.kill()
        saved |= _saves(await writer.stdout.read())
        await writer.wait()
        await eventually(process.quiet, "the survivor's sweep")
        await eventually(lambda: saved <= _seen(reader), "every acknowledged event")
        assert in_order(reader)


def _saves(output: bytes) -> set[tuple[str, ...]]:
    """The acknowledged saves that a writer's lines tell of: note and sequence."""
    words = (tuple(line.decode().split()) for line in output.splitlines())
    return {pair for pair in words if len(pair) == 2 and pair[1].isdigit()}


def _seen(reader: Reader) -> set[tuple[str, ...]]:
    return {(event.subject, str(event.sequence)) for event in reader.events}


def _environment(settings: ServiceSettings) -> dict[str, str]:
    return {
        "MONGO_URL": settings.mongo_url.get_secret_value(),
        "MONGO_DRIVER": settings.mongo_driver,
        "MONGO_DATABASE": settings.mongo_database,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "KAFKA_IDEMPOTENCE": str(settings.kafka_idempotence),
        "KAFKA_PREFIX": settings.kafka_prefix,
    }


async def test_gauges_tell_what_is_not_published(settings: ServiceSettings) -> None:
    async with NoteProcess(settings).stored() as silent:
        for note in notes(3):
            await silent.store.insert(note)

    def gauge(name: str) -> float | None:
        return measured(name, collection="notes")

    clock = Hands()
    async with NoteProcess(settings, clock, RelayLimits(sweep_every=3600, sweep_grace=1e9)).running() as process:
        await eventually(lambda: gauge("primetrade_outbox_pending_documents") == 3, "three documents")
        assert (gauge("primetrade_outbox_oldest_age_seconds") or 0) > 0
        await process.notes.delete_many({})
        await eventually(lambda: gauge("primetrade_outbox_pending_documents") == 0, "none")
        assert gauge("primetrade_outbox_oldest_age_seconds") == 0


async def test_a_key_is_where_any_kafka_client_looks(settings: ServiceSettings) -> None:
    """The partition is the one that aiokafka's own producer would choose."""
    async with NoteProcess(settings).running():
        producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
        await producer.start()
        try:
            for note in notes(10):
                key = str(note.id).encode()
                sent = await producer.send_and_wait(TASKS.name(settings.kafka_prefix), b"", key)
                assert sent.partition == partition_of(key, settings.kafka_partitions)
        finally:
            await producer.stop()
