"""One running auth service, its clients, and what it leaves behind in Kafka and MongoDB."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from google.protobuf.message import Message
from primetrade.auth.v1 import auth_pb2, auth_pb2_grpc

from chassis.clock import SystemClock
from chassis.events.envelope import Event, read_event
from chassis.mongo import Collection, Mongo
from chassis.process import Process
from chassis.rpc.client import ServiceChannel
from chassis.rpc.server import RpcServer
from chassis.testing.engines import Engines
from services.auth.app import build
from services.auth.settings import Settings

M = TypeVar("M", bound=Message)

PASSWORD = "correct horse battery"
NOWHERE = "127.0.0.1:9"
"""A target that nobody listens at (the discard port)."""


def key() -> str:
    """A fresh secret key as the settings want it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


class MovableClock:
    """The real time, plus what a test has added."""

    def __init__(self) -> None:
        self._real, self.ahead = SystemClock(), timedelta()

    def now(self) -> datetime:
        return self._real.now() + self.ahead

    def pass_by(self, **duration: float) -> None:
        self.ahead += timedelta(**duration)


@dataclass
class World:
    """A running service and how to reach it."""

    settings: Settings
    process: Process
    stub: "auth_pb2_grpc.AuthServiceAsyncStub"
    clock: MovableClock

    async def register(self, email: str = "", name: str = "Ada", password: str = PASSWORD) -> auth_pb2.RegisterResponse:
        request = auth_pb2.RegisterRequest(name=name, email=email or fresh_address(), password=password)
        return await self.stub.Register(request)

    async def login(self, email: str, password: str = PASSWORD) -> auth_pb2.LoginResponse:
        return await self.stub.Login(auth_pb2.LoginRequest(email=email, password=password))

    async def refresh(self, token: str) -> auth_pb2.TokenSet:
        return (await self.stub.Refresh(auth_pb2.RefreshRequest(refresh_token=token))).tokens

    async def logout(self, token: str) -> None:
        await self.stub.Logout(auth_pb2.LogoutRequest(refresh_token=token))

    def collection(self, name: str) -> Collection:
        return self.process.component(Mongo).collection(name)

    async def event(self, kind: type[M], subject: str) -> tuple[Event, M, dict[str, str]]:
        """The first event of that type and subject on the topic, its message and its headers, by a plain consumer."""
        consumer: Any = AIOKafkaConsumer(
            f"{self.settings.kafka_prefix}.auth.v1",
            bootstrap_servers=self.settings.kafka_bootstrap_servers,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            async with asyncio.timeout(30):
                async for record in consumer:
                    event = read_event(record.headers, record.value)
                    if event.type == kind.DESCRIPTOR.full_name and event.subject == subject:
                        assert record.key == subject.encode()
                        headers = {name: value.decode() for name, value in record.headers}
                        return event, kind.FromString(event.data), headers
        finally:
            await consumer.stop()
        raise AssertionError("the consumer ended")


def fresh_address() -> str:
    """An address that no test has used."""
    return f"{uuid4().hex[:12]}@example.org"


def settings(engines: Engines, **overrides: Any) -> Settings:
    """The settings of a service of its own on the engines of this run."""
    mine = uuid4().hex[:8]
    values: dict[str, Any] = {
        "mongo_url": engines.mongo_url,
        "mongo_database": f"auth-{mine}",
        "kafka_bootstrap_servers": engines.kafka_bootstrap_servers,
        "kafka_idempotence": engines.kafka_idempotence,
        "kafka_prefix": f"t{mine}",
        "kafka_partitions": 2,
        "grpc_drain_notice": 0,
        "auth_key_encryption_key": key(),
        "auth_refresh_key": key(),
        "users_target": NOWHERE,
    }
    return Settings(**(values | overrides))


@asynccontextmanager
async def running(values: Settings) -> AsyncIterator[World]:
    """The service, built by its own composition root, while the block lasts."""
    clock = MovableClock()
    process = build(values, clock)
    async with process.running():
        target = f"127.0.0.1:{process.component(RpcServer).port}"
        async with ServiceChannel(target, "primetrade.auth.v1.AuthService", timeout=20) as channel:
            yield World(values, process, auth_pb2_grpc.AuthServiceStub(channel), clock)
