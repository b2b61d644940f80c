"""A suite that is stopped and started on the same data has lost nothing, and its logs hold no secret."""

from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from deploy.local.testing import patient, running_suite
from tests.e2e.conftest import Person


@pytest.mark.slow
@pytest.mark.xdist_group("restart")
async def test_data_survive_a_restart_and_nothing_secret_was_logged(tmp_path: Path) -> None:
    with running_suite(tmp_path, patient) as suite:
        async with http_client(suite.url) as http:
            ada = await Person(http).register()
            task = await ada.create_task()
            await ada.call("POST", f"/tasks/{task['id']}/complete")
            await ada.inbox_with("task-completed")
            before = await ada.inbox()
            secrets = [ada.password, ada.access_token, ada.refresh_token]
            # Written while the broker is away: published when the suite runs again.
            suite.kill("kafka")
            late = await ada.create_task(title="Said while nobody could hear")
        suite.stop()
        suite.start()
        async with http_client(suite.url) as http:
            ada.http = http
            assert (await ada.login()).status_code == 200
            assert (await ada.call("GET", f"/tasks/{task['id']}")).json()["status"] == "completed"
            assert {entry["id"] for entry in before} <= {entry["id"] for entry in await ada.inbox()}
            assert late["id"].encode() in await keys(suite.kafka_bootstrap_servers, late["id"].encode())
            secrets += [ada.access_token, ada.refresh_token]
        logs = "".join(file.read_text() for file in (suite.data / "logs").glob("*"))
        assert "serving" in logs
        assert [secret[:8] for secret in secrets if secret in logs] == []


async def keys(bootstrap_servers: str, awaited: bytes) -> set[bytes]:
    """The keys on the tasks topic, once the awaited one is among them."""
    consumer = AIOKafkaConsumer(
        "primetrade.tasks.v1", bootstrap_servers=bootstrap_servers, group_id=None, auto_offset_reset="earliest"
    )
    await consumer.start()
    seen: set[bytes] = set()

    async def arrived() -> bool:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            seen.update(record.key for record in records if record.key)
        return awaited in seen

    try:
        await eventually(arrived, "the late event")
    finally:
        await consumer.stop()
    return seen
