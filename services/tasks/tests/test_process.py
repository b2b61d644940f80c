"""The process around the service: what it keeps over a restart, what it refuses to start with, what it tells."""

import asyncio
from urllib.request import urlopen
from uuid import UUID

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis.mongo import Document, Mongo
from chassis.rpc.server import RpcServer
from chassis.telemetry.exposition import MetricsServer
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from services.tasks import api
from services.tasks.app import TASKS_SERVICE, build
from services.tasks.store.queries import INDEXES
from services.tasks.store.tasks import COLLECTION
from services.tasks.tests.records import events_of
from services.tasks.tests.wire import Person, Service, serving, settings_for


async def test_a_restart_keeps_tasks_tombstones_and_the_count_of_events(engines: Engines, issuer: Issuer) -> None:
    settings = settings_for(engines, issuer)
    async with serving(settings, issuer) as first:
        ada = first.person()
        kept, gone = await ada.create("kept"), await ada.create("gone")
        kept = await ada.update(kept.id, description="over the night")
        await ada.delete(gone.id)
    async with serving(settings, issuer) as second:
        ada = ada.at(second)
        assert list((await ada.list()).tasks) == [kept]
        assert (await ada.complete(kept.id)).etag == "3"
        events = await events_of(second, kept.id, 4)
        assert [event.sequence for event in events] == [1, 2, 3, 4]


async def test_what_is_published_is_cleared_from_the_document_and_a_tombstone_stays(
    service: Service, ada: Person
) -> None:
    task = await ada.create()
    await ada.delete(task.id)
    collection = service.process.component(Mongo).collection(COLLECTION)

    async def cleared() -> Document:
        return await collection.find_one({"owner_id": UUID(ada.id), "pending_since": None}) or {}

    tombstone = await eventually(cleared, "the events of the deleted task to be published")
    assert set(tombstone) - {"pending"} == {"_id", "owner_id", "version", "sequence", "last_event", "deleted_at"}
    assert (tombstone["version"], tombstone["sequence"]) == (2, 2)


async def test_the_declared_indexes_are_there(service: Service) -> None:
    made = await service.process.component(Mongo).collection(COLLECTION).index_information()
    assert {model.document["name"] for model in INDEXES} <= set(made)


async def test_a_method_without_an_access_rule_fails_the_start(
    engines: Engines, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(api.ACCESS, "GetTask")
    with pytest.raises(ValueError, match="GetTask has no access rule"):
        build(settings_for(engines, issuer))


async def test_it_answers_health_checks_and_shows_its_metrics(service: Service, ada: Person) -> None:
    await ada.create()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{service.process.component(RpcServer).port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        async def serves(name: str) -> bool:
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

        for name in ("", TASKS_SERVICE.full_name, "engine:mongo"):
            await eventually(lambda name=name: serves(name), f"health of {name!r}")  # type: ignore[misc]
    url = f"http://127.0.0.1:{service.process.component(MetricsServer).port}/metrics"
    shown = await asyncio.to_thread(lambda: urlopen(url).read().decode())
    for name in ("primetrade_rpc_server_duration_seconds", "primetrade_outbox_pending_documents"):
        assert name in shown
