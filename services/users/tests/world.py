"""A running users service, its callers, and what it leaves behind in Kafka and MongoDB."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from primetrade.auth.v1 import auth_pb2
from primetrade.auth.v1 import events_pb2 as auth_events
from primetrade.users.v1 import users_pb2, users_pb2_grpc

from chassis.clock import SystemClock, ordered_id
from chassis.events.envelope import Event, read_event
from chassis.mongo import Collection, Mongo
from chassis.process import Process
from chassis.rpc.client import ServiceChannel, bearer
from chassis.rpc.server import RpcServer
from chassis.testing.engines import Engines
from chassis.testing.issuer import Issuer
from services.users.app import build
from services.users.settings import Settings


@dataclass
class World:
    """A running service and how to reach it."""

    settings: Settings
    process: Process
    issuer: Issuer
    stub: "users_pb2_grpc.UsersServiceAsyncStub"

    async def create(self, profile: users_pb2.Profile) -> users_pb2.Profile:
        request = users_pb2.CreateProfileRequest(profile=profile)
        return await self.stub.CreateProfile(request, metadata=bearer(self.issuer.service_token()))

    async def get(self, name: str, caller: str, **claims: Any) -> users_pb2.Profile:
        token = self.issuer.token(caller, **claims)
        return await self.stub.GetProfile(users_pb2.GetProfileRequest(id=name), metadata=bearer(token))

    async def update(
        self, target: str, caller: str, *paths: str, etag: str = "", name: str = "", **claims: Any
    ) -> users_pb2.Profile:
        request = users_pb2.UpdateProfileRequest(profile=users_pb2.Profile(id=target, name=name, etag=etag))
        request.update_mask.paths.extend(paths)
        return await self.stub.UpdateProfile(request, metadata=bearer(self.issuer.token(caller, **claims)))

    async def person(self, name: str = "Ada") -> users_pb2.Profile:
        """A new account's profile, as auth asks for it."""
        return await self.create(profile(name))

    @property
    def profiles(self) -> Collection:
        return self.process.component(Mongo).collection("profiles")

    async def register(self, account: auth_pb2.Account) -> None:
        """Publish AccountRegistered as auth does."""
        await register(self.settings, account)

    async def events(self, subject: str, until: int) -> list[tuple[Event, dict[str, str]]]:
        """The events of one profile up to that sequence, read from the topic's start by a plain consumer."""
        topic = f"{self.settings.kafka_prefix}.users.v1"
        found: list[tuple[Event, dict[str, str]]] = []
        async with aclosing(records(self.settings, topic)) as all_of_topic:
            async for record in all_of_topic:
                event = read_event(record.headers, record.value)
                if event.subject == subject:
                    assert record.key == subject.encode()
                    found.append((event, {name: value.decode() for name, value in record.headers}))
                if found and found[-1][0].sequence == until:
                    break
        return found


async def register(settings: Settings, account: auth_pb2.Account) -> None:
    """Publish AccountRegistered as auth does."""
    event = Event(
        id=ordered_id(),
        type=auth_events.AccountRegistered.DESCRIPTOR.full_name,
        source="/primetrade/auth",
        subject=account.id,
        time=SystemClock().now(),
        sequence=1,
        data=auth_events.AccountRegistered(account=account).SerializeToString(),
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers, enable_idempotence=settings.kafka_idempotence
    )
    await producer.start()
    try:
        topic = f"{settings.kafka_prefix}.auth.v1"
        await producer.send_and_wait(topic, value=event.data, key=event.key, headers=event.headers())
    finally:
        await producer.stop()


async def records(settings: Settings, topic: str) -> AsyncGenerator[Any, None]:
    """The records of a topic from its start; close it when you have seen enough."""
    consumer: Any = AIOKafkaConsumer(
        topic, bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            async for record in consumer:
                yield record
    finally:
        await consumer.stop()


def profile(name: str = "Ada", **fields: Any) -> users_pb2.Profile:
    """What auth tells of a new account."""
    account = str(uuid4())
    values: dict[str, Any] = {"id": account, "name": name, "email": f"{account[:8]}@example.org", "roles": ["user"]}
    message = users_pb2.Profile(**(values | fields))
    message.create_time.FromDatetime(SystemClock().now())
    return message


def settings(engines: Engines, issuer: Issuer, **overrides: Any) -> Settings:
    """The settings of a service of its own on the engines of this run."""
    mine = uuid4().hex[:8]
    values: dict[str, Any] = {
        "mongo_url": engines.mongo_url,
        "mongo_database": f"users-{mine}",
        "kafka_bootstrap_servers": engines.kafka_bootstrap_servers,
        "kafka_idempotence": engines.kafka_idempotence,
        "kafka_prefix": f"t{mine}",
        "kafka_partitions": 2,
        "grpc_drain_notice": 0,
        "auth_target": issuer.target,
    }
    return Settings(**(values | overrides))


@asynccontextmanager
async def running(values: Settings, issuer: Issuer) -> AsyncIterator[World]:
    """The service, built by its own composition root, while the block lasts."""
    process = build(values)
    async with process.running():
        target = f"127.0.0.1:{process.component(RpcServer).port}"
        async with ServiceChannel(target, "primetrade.users.v1.UsersService", timeout=20) as channel:
            yield World(values, process, issuer, users_pb2_grpc.UsersServiceStub(channel))
