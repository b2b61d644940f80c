"""A connection to Kafka that publishes only to a broker which still has what it acknowledged.

A broker that comes back empty is reached by the client's own reconnects, behind the back of whoever publishes, and
would take the retry of a batch as its first. So the question is asked for each connection, before anything is published
through it: a connection does not outlive the process that lost its log.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from aiokafka import AIOKafkaProducer
from aiokafka.client import ConnectionGroup
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    NotLeaderForPartitionError,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.produce import ProduceRequest

from chassis.events.publishing.continuity import BrokerLog, Held, Look

_LATEST = -1


class Closed(KafkaError):  # type: ignore[misc]  # aiokafka is not typed
    """The producer is gone; another one takes its place. Not for the client to retry."""


class Guard(Protocol):
    """Who is asked before anything is published through a new connection."""

    def epoch(self, topic: str) -> int:
        """Which log of the topic is published to now."""
        ...

    async def admit(self, topic: str, look: Look) -> None:
        """Raise Held when nothing may be published to the topic there, by what a look tells."""
        ...

    def acknowledged(self, topic: str, partition: int, epoch: int, begin: int) -> None:
        """A batch was acknowledged that begins at this offset."""
        ...


class Guarded:
    """An AIOKafkaProducer, not yet started, whose every connection the guard is asked about.

    It publishes to one epoch of each topic: what it still holds of an earlier one can never leave it.
    """

    def __init__(self, producer: AIOKafkaProducer, guard: Guard, partitions: int) -> None:
        self.producer = producer
        self._guard, self._partitions = guard, partitions
        self._epochs: dict[str, int] = {}
        self._admitted: WeakKeyDictionary[AIOKafkaConnection, set[str]] = WeakKeyDictionary()
        self._asking = asyncio.Lock()
        self._closed = False
        self._send = producer.client.send
        producer.client.send = self._guarded

    def bind(self, topic: str, epoch: int) -> bool:
        """Publish this topic's batches of that epoch; False when it is another one already."""
        return self._epochs.setdefault(topic, epoch) == epoch

    def closing(self) -> None:
        """Publish nothing any more. A connection that somebody is opening now is closed at once."""
        self._closed = True

    async def look(self, topic: str) -> BrokerLog:
        """The topic as all brokers tell of it now. Raises KafkaError when one does not answer."""
        client, ends, partitions = self.producer.client, dict[int, int](), 0
        for broker in client.cluster.brokers():
            connection = await self._connection(broker.nodeId, ConnectionGroup.DEFAULT)
            found = await self._ask(connection, topic)
            partitions = max(partitions, found.partitions)
            ends |= found.ends
        return BrokerLog(partitions, ends)

    async def _guarded(self, node: object, request: object, *, group: object = ConnectionGroup.DEFAULT) -> Any:
        """In place of the client's send."""
        if not isinstance(request, ProduceRequest):
            return await self._send(node, request, group=group)
        if self._closed:
            raise Closed
        connection = await self._connection(node, group)
        async with self._asking:
            await self._admit(connection)
        # From here to the socket nothing is awaited, and the connection is the one that was asked about.
        try:
            answer = await connection.send(request)
        except TimeoutError as error:
            connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
            raise RequestTimedOutError from error
        if any(code != 0 for _, partitions in answer.topics for _, code, *_ in partitions):
            # A topic that was deleted under it, perhaps: ask again before the client's retry.
            self._admitted.pop(connection, None)
        return answer

    async def _connection(self, node: object, group: object) -> AIOKafkaConnection:
        connection = await self.producer.client._get_conn(node, group=group)
        self._close_late()
        if connection is None:
            raise NodeNotReadyError(f"no connection to node {node}")
        return connection

    async def _admit(self, connection: AIOKafkaConnection) -> None:
        admitted = self._admitted.setdefault(connection, set())
        for topic, epoch in self._epochs.items():
            if topic not in admitted:
                await self._asked(connection, topic)
            if self._guard.epoch(topic) != epoch:
                raise Held(f"{topic} has come to another log")
            admitted.add(topic)
        if not connection.connected():
            raise KafkaConnectionError("the connection was closed")

    async def _asked(self, connection: AIOKafkaConnection, topic: str) -> None:
        try:
            await self._guard.admit(topic, partial(self._ask, connection, topic))
        except KafkaError:
            raise
        except Exception as error:
            # The client's sender would not survive any other error.
            raise Held(f"{topic} cannot be verified: {error!r}") from error

    async def _ask(self, connection: AIOKafkaConnection, topic: str) -> BrokerLog:
        layout = await self.producer.client.fetch_all_metadata()
        self._close_late()
        wanted = [(partition, _LATEST) for partition in range(self._partitions)]
        try:
            answer = await connection.send(OffsetRequest(-1, 0, [(topic, wanted)]))
        except TimeoutError as error:
            connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
            raise RequestTimedOutError from error
        return BrokerLog(len(layout.partitions_for_topic(topic) or ()), _ends(answer))

    def _close_late(self) -> None:
        if self._closed:
            for connection in self.producer.client._conns.values():
                connection.close()
            raise Closed


def _ends(answer: Any) -> Mapping[int, int]:
    ends: dict[int, int] = {}
    for _, partitions in answer.topics:
        for partition, code, _, end in partitions:
            if (error := for_code(code)) is UnknownTopicOrPartitionError:
                ends[partition] = 0
            elif code == 0:
                ends[partition] = end
            elif error is not NotLeaderForPartitionError:
                raise error(f"the end of partition {partition} is not known")
    return ends
