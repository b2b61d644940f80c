"""Records that no consumer can handle, and one that none has to: written between the events of the suite.

Each carries a number and the services that have to put it aside, in headers that a dead letter keeps.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from primetrade.auth.v1 import auth_pb2
from primetrade.auth.v1 import events_pb2 as auth
from primetrade.tasks.v1 import events_pb2 as tasks

from tests.chaos.observed import GROUPS_HEADER, POISON_HEADER

AUTH, USERS, TASKS = "primetrade.auth.v1", "primetrade.users.v1", "primetrade.tasks.v1"
READERS = {AUTH: "users,notify", USERS: "auth", TASKS: "notify"}
"""The services whose consumers read a topic."""
SEND_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Poison:
    """A record to be written."""

    topic: str
    headers: Mapping[str, bytes] = field(default_factory=dict)
    value: bytes = b"\xff\xff\xff"
    key: bytes = field(default_factory=lambda: str(uuid4()).encode())
    groups: str | None = None
    """Who has to put it aside: every reader of the topic unless said otherwise."""


def _envelope(kind: str, **changed: bytes) -> dict[str, bytes]:
    """The headers of an event as it should be, but for what is changed."""
    subject = str(uuid4()).encode()
    headers = {
        "content-type": b"application/protobuf",
        "ce_specversion": b"1.0",
        "ce_id": str(uuid4()).encode(),
        "ce_source": b"/primetrade/chaos",
        "ce_type": kind.encode(),
        "ce_subject": subject,
        "ce_partitionkey": subject,
        "ce_time": b"2030-01-31T17:00:00Z",
        "ce_dataschema": f"type.googleapis.com/{kind}".encode(),
        "ce_sequence": b"0000000001",
        "ce_sequencetype": b"Integer",
    }
    return headers | {f"ce_{name}": value for name, value in changed.items()}


_DELETED = tasks.TaskDeleted(task_id="no id", owner_id="nobody").SerializeToString()
_REGISTERED = auth.AccountRegistered(account=auth_pb2.Account(id="no id", email="nobody")).SerializeToString()
KINDS: tuple[Callable[[], Poison], ...] = (
    lambda: Poison(TASKS),
    lambda: Poison(TASKS, value=b""),
    lambda: Poison(TASKS, _envelope("primetrade.tasks.v1.TaskUpdated")),
    lambda: Poison(TASKS, _envelope("primetrade.tasks.v1.TaskUpdated", actor=b"\xff\xfe")),
    lambda: Poison(TASKS, _envelope("primetrade.tasks.v1.TaskDeleted"), _DELETED),
    lambda: Poison(TASKS, _envelope("primetrade.tasks.v1.TaskForgotten"), groups=""),
    lambda: Poison(AUTH, _envelope("primetrade.auth.v1.AccountRegistered", specversion=b"0.3")),
    lambda: Poison(AUTH, _envelope("primetrade.auth.v1.AccountRegistered"), _REGISTERED),
    lambda: Poison(USERS, _envelope("primetrade.users.v1.ProfileUpdated", sequence=b"first")),
    lambda: Poison(USERS, _envelope("primetrade.users.v1.ProfileUpdated", time=b"yesterday")),
)


class Poisoner:
    """Writes poison with a plain producer."""

    def __init__(self, producer: AIOKafkaProducer, seed: int) -> None:
        self._producer, self._random, self._numbers = producer, random.Random(seed), count(1)

    async def write(self) -> bool:
        """Write one more record of some kind. False when the broker did not acknowledge it: it may be there or not."""
        poison, number = self._random.choice(KINDS)(), next(self._numbers)
        groups = READERS[poison.topic] if poison.groups is None else poison.groups
        marks = {POISON_HEADER: str(number).encode(), GROUPS_HEADER: groups.encode()}
        headers = list({**poison.headers, **marks}.items())
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._producer.send_and_wait(poison.topic, poison.value, key=poison.key, headers=headers)
        except (KafkaError, TimeoutError):
            return False
        return True


@asynccontextmanager
async def poisoner(kafka: str, seed: int) -> AsyncIterator[Poisoner]:
    """Somebody who writes poison to these brokers."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", request_timeout_ms=5_000)
    await producer.start()
    try:
        yield Poisoner(producer, seed)
    finally:
        await asyncio.wait_for(producer.stop(), SEND_SECONDS)
