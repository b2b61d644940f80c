"""The broker of the running suite is killed and comes back with nothing: no reader of the topics misses anything."""

from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from deploy.local.testing import patient, running_suite
from tests.e2e.conftest import Person

TOPICS = ("primetrade.auth.v1", "primetrade.users.v1", "primetrade.tasks.v1", "primetrade.notifications.v1")


@pytest.mark.slow
@pytest.mark.xdist_group("broker-loss")
async def test_a_broker_that_lost_everything_has_it_again(tmp_path: Path) -> None:
    with running_suite(tmp_path, patient) as suite:
        async with http_client(suite.url) as http:
            ada = await Person(http).register()
            old = [await ada.create_task(title=f"Task {number}") for number in range(5)]
            for task in old[:3]:
                await ada.call("POST", f"/tasks/{task['id']}/complete")
            await eventually(lambda: completed(ada, 3), "three completions in the inbox")
            for round in (1, 2):
                suite.kill("kafka")
                # Said while nobody could hear: a life that goes on, and a new one.
                await ada.call("PATCH", f"/tasks/{old[0]['id']}", json={"title": f"Better {round}"})
                late = await ada.create_task(title="Late")
                await ada.call("POST", f"/tasks/{late['id']}/complete")
                suite.restart("kafka")
                # Consumers go on where the new log begins, and new events flow.
                await eventually(partial(completed, ada, 3 + round), "the late completion in the inbox", seconds=60)
            # A completion is told twice, as an update and as a completion.
            awaited = {
                old[0]["id"]: 5,
                old[1]["id"]: 3,
                old[2]["id"]: 3,
                old[3]["id"]: 1,
                old[4]["id"]: 1,
                late["id"]: 3,
            }
            lives = await lives_of(suite.kafka_bootstrap_servers, awaited | {ada.id: 1})
            assert [subject for subject, life in lives.items() if life != list(range(1, len(life) + 1))] == []
            assert {subject: len(lives[subject]) for subject in awaited} == awaited
            # Everything was read again; nothing was done again.
            entries = Counter((entry["type"], entry.get("taskId")) for entry in await ada.inbox())
            assert set(entries.values()) == {1}, entries


async def completed(person: Person, count: int) -> bool:
    return len([entry for entry in await person.inbox() if entry["type"] == "task-completed"]) == count


async def lives_of(bootstrap_servers: str, awaited: dict[str, int]) -> dict[str, list[int]]:
    """Of every subject, the sequences as a fresh reader of all topics first sees them, once the awaited are there."""
    consumer = AIOKafkaConsumer(
        *TOPICS, bootstrap_servers=bootstrap_servers, group_id=None, auto_offset_reset="earliest"
    )
    lives: dict[str, dict[int, None]] = defaultdict(dict)

    def see(record: ConsumerRecord) -> None:
        headers = {name: value.decode() for name, value in record.headers}
        lives[headers["ce_subject"]].setdefault(int(headers["ce_sequence"]))

    async def arrived() -> bool:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for record in records:
                see(record)
        return all(len(lives[subject]) >= count for subject, count in awaited.items())

    await consumer.start()
    try:
        await eventually(arrived, "every event")
    finally:
        await consumer.stop()
    return {subject: list(sequences) for subject, sequences in lives.items()}
