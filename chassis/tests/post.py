"""A service with a consumer and dead letters, for the tests of what an operator does with these."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer, ConsumerRecord
from google.protobuf.message import Message
from primetrade.events.v1 import dead_letters_pb2 as pb
from primetrade.events.v1 import dead_letters_pb2_grpc as grpc_pb
from primetrade.tasks.v1 import events_pb2

from chassis.backoff import Backoff
from chassis.clock import SystemClock
from chassis.events.admin import Topics
from chassis.events.consuming.consumer import Consumer, Handler, Permanent, Retries, Superseded
from chassis.events.deadletters.api import DESCRIPTOR, dead_letters_service
from chassis.events.deadletters.memory import INDEXES, Memory
from chassis.events.envelope import Event
from chassis.events.topics import TASKS
from chassis.identity import Principal, peek_principal
from chassis.mongo import Indexes, Mongo, engine_calls
from chassis.process import Component, Process
from chassis.rpc.client import Metadata, ServiceChannel, bearer
from chassis.rpc.health import RpcHealth
from chassis.rpc.keys import auth_channel, auth_keys
from chassis.rpc.server import RpcServer
from chassis.settings import ServiceSettings
from chassis.telemetry import traces
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from chassis.tests.kafka import Publisher, task_event
from chassis.tokens import TokenVerifier

SERVICE = "users"
"""A name that the command line knows a target for."""
FAST = Retries(attempts=2, errors=Backoff(0.001, 0.01), away=Backoff(0.001, 0.01))


class Projection:
    """A handler that keeps the highest sequence of each task, and does before what a test wants."""

    def __init__(self) -> None:
        self.applied: dict[str, int] = {}
        self.attempts: dict[str, int] = defaultdict(int)
        self.behaviour: dict[str, Callable[[Event], Awaitable[None]]] = {}
        self.callers: dict[str, Principal | None] = {}
        self.traces: dict[str, str] = {}

    async def created(self, event: Event, _: events_pb2.TaskCreated) -> None:
        self.attempts[event.subject] += 1
        self.callers[event.subject], self.traces[event.subject] = peek_principal(), traces.current_traceparent()
        if (behave := self.behaviour.get(event.subject)) is not None:
            await behave(event)
        if self.applied.get(event.subject, 0) > event.sequence:
            raise Superseded
        self.applied[event.subject] = event.sequence

    def refuse(self, subject: str) -> None:
        """From now on the task's events cannot be handled."""

        async def refused(_: Event) -> None:
            raise Permanent("not yet understood")

        self.behaviour[subject] = refused

    def understand(self, subject: str) -> None:
        """From now on they can."""
        del self.behaviour[subject]


class Post:
    """The running service, what publishes to it, and the way of an operator to it."""

    def __init__(
        self, settings: ServiceSettings, process: Process, projection: Projection, publisher: Publisher, issuer: Issuer
    ) -> None:
        self.settings, self.process, self.projection, self.publisher = settings, process, projection, publisher
        self.issuer = issuer
        self.target = f"127.0.0.1:{process.component(RpcServer).port}"
        self.channel = ServiceChannel(self.target, DESCRIPTOR.full_name, timeout=30)
        self.stub = grpc_pb.DeadLettersServiceStub(self.channel)
        self.token = issuer.token("operator:ada", roles=["operator"], exp=2**32)
        self.operator: Metadata = bearer(self.token)
        self.topic = TASKS.dead_letters(settings.kafka_prefix, SERVICE)

    @property
    def memory(self) -> Memory:
        return Memory(self.settings, self.process.component(Mongo), SystemClock())

    async def refused(self, sequence: int = 1, subject: str = "") -> pb.DeadLetter:
        """A new letter: an event that its handler refused, and would no longer."""
        subject = subject or f"task-{uuid4().hex[:8]}"
        self.projection.refuse(subject)
        await self.publisher.publish(task_event(subject, sequence))

        async def found() -> list[pb.DeadLetter]:
            return [letter for letter in await self.letters() if letter.subject == subject]

        (letter,) = await eventually(found, f"the letter of {subject}")
        self.projection.understand(subject)
        return letter

    async def letters(self, outstanding: bool = False, page_size: int = 0) -> list[pb.DeadLetter]:
        """All of them, page by page."""
        request = pb.ListDeadLettersRequest(outstanding=outstanding, page_size=page_size)
        found: list[pb.DeadLetter] = []
        while True:
            page = await self.stub.ListDeadLetters(request, metadata=self.operator)
            found += page.dead_letters
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def get(self, id: str) -> pb.DeadLetter:
        return await self.stub.GetDeadLetter(pb.GetDeadLetterRequest(id=id), metadata=self.operator)

    async def redrive(self, id: str) -> pb.Redrive:
        letter = await self.stub.RedriveDeadLetter(pb.RedriveDeadLetterRequest(id=id), metadata=self.operator)
        assert letter.id == id
        return letter.redrive

    async def redrive_all(self, **request: Any) -> list[pb.DeadLetter]:
        message = pb.RedriveDeadLettersRequest(**request)
        found: list[pb.DeadLetter] = []
        while True:
            page = await self.stub.RedriveDeadLetters(message, metadata=self.operator)
            found += page.dead_letters
            if not page.next_page_token:
                return found
            message.page_token = page.next_page_token

    async def purge(self, **request: Any) -> pb.PurgeDeadLettersResponse:
        message = pb.PurgeDeadLettersRequest(**{"topic": self.topic, **request})
        return await self.stub.PurgeDeadLetters(message, metadata=self.operator)

    async def write(self, *events: Event, headers: tuple[tuple[str, bytes], ...] = ()) -> list[str]:
        """Put letters into the topic by a plain producer, all in one batch; their ids."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka_bootstrap_servers, enable_idempotence=False, linger_ms=50,
            max_request_size=4 * 1024 * 1024,
        )  # fmt: skip
        await producer.start()
        try:
            sent = [
                await producer.send(self.topic, event.data, event.key, 0, headers=[*event.headers(), *headers])
                for event in events
            ]
            written: list[ConsumerRecord] = list(await asyncio.gather(*sent))
        finally:
            await producer.stop()
        return [f"{self.topic}:0:{record.offset}" for record in written]


def service_settings(engines: Engines, issuer: Issuer, **changed: object) -> ServiceSettings:
    """Settings with a database, topics and groups of their own."""
    own = uuid4().hex[:8]
    values: dict[str, object] = {
        "auth_target": issuer.target,
        "mongo_url": engines.mongo_url,
        "mongo_database": f"letters-{own}",
        "mongo_min_pool_size": 0,
        "kafka_bootstrap_servers": engines.kafka_bootstrap_servers,
        "kafka_idempotence": engines.kafka_idempotence,
        "kafka_prefix": f"t{own}",
        "kafka_partitions": 2,
        "grpc_drain_notice": 0,
    }
    return ServiceSettings.model_validate({**ServiceSettings().model_dump(), **values, **changed})


@asynccontextmanager
async def opened(engines: Engines, *, consuming: bool = True, **changed: object) -> AsyncIterator[Post]:
    """The service, running inside the block; without its consumer it starts faster."""
    async with Issuer() as issuer:
        settings, projection, clock = service_settings(engines, issuer, **changed), Projection(), SystemClock()
        handlers: dict[type[Message], Handler] = {events_pb2.TaskCreated: projection.created}
        mongo, auth = Mongo(settings, "letters"), auth_channel(issuer.target)
        keys = auth_keys(auth, 10)
        health = RpcHealth([DESCRIPTOR.full_name])
        letters = dead_letters_service(settings, SERVICE, [TASKS], handlers, mongo, clock)
        verifier = TokenVerifier(keys, issuer.issuer, issuer.audience, clock)
        consumer = Consumer(settings, SERVICE, [TASKS], handlers, retries=FAST, clock=clock)
        server = RpcServer(settings, [letters], verifier, health, engine_calls)
        topics = Topics(settings, SERVICE, consumes=[TASKS])
        parts: list[Component] = [mongo, Indexes(mongo, INDEXES), topics, auth, keys, server]
        parts += [consumer] if consuming else []
        process = Process(SERVICE, parts, health)
        async with process.running(), Publisher(settings) as publisher:
            post = Post(settings, process, projection, publisher, issuer)
            if consuming:
                await eventually(lambda: len(consumer.assigned) == settings.kafka_partitions, "the group is joined")
            async with post.channel:
                yield post
