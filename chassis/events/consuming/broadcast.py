"""Events heard by every process of a service, where its consumer group gives each to one: for what each remembers.

It reads its topic without a group, from its end, and commits nothing. While Kafka is away it hears late, and while it
is not running it hears nothing: what is kept by it needs a bound of its own, such as a cache's time, or a follower that
asks elsewhere for what was missed.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from google.protobuf.message import Message

from chassis.events.consuming.groupless import Groupless
from chassis.events.consuming.handler import Handler
from chassis.events.consuming.rewinding import begins_anew
from chassis.events.envelope import Undecodable, read_event
from chassis.events.topics import Topic
from chassis.settings import Settings

_UNFOLLOWED_FETCH_MS = 1_000


class Follower(Protocol):
    """Who must know whether what was heard is everything."""

    def missing(self) -> None:
        """Events may be missed, or have been: the broker does not answer, or its log began anew."""
        ...

    def caught_up(self, until: float) -> None:
        """Everything that the topic held at that time (`time.monotonic`) was handled, but what was `missing`."""
        ...


class Broadcast(Groupless):
    """Component: from when it is entered, every event of the topic reaches its handler in this process, as it comes.

    A record that cannot be read, and a type without a handler, are passed over: the consumer group of the service is
    who answers for them. What a handler raises ends the process. A follower is told about every second how far this is.
    """

    def __init__(
        self,
        settings: Settings,
        topic: Topic,
        handlers: Mapping[type[Message], Handler],
        patience: float | None,
        follower: Follower | None = None,
    ) -> None:
        super().__init__(settings, [topic], "broadcast", patience)
        self._handlers = {message.DESCRIPTOR.full_name: handler for message, handler in handlers.items()}
        self._follower = follower
        if follower is None:
            self._fetch_ms = _UNFOLLOWED_FETCH_MS

    async def _begin(self, kafka: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        await kafka.seek_to_end(*partitions)

    async def _listen(self, kafka: AIOKafkaConsumer) -> Sequence[ConsumerRecord]:
        fetched = await kafka.getmany(timeout_ms=self._fetch_ms)
        if not fetched:
            for partition in kafka.assignment():
                if await begins_anew(kafka, partition):
                    self._uncertain()
        return [record for records in fetched.values() for record in records]

    def _followed(self) -> bool:
        return self._follower is not None

    def _missing(self) -> None:
        if self._follower is not None:
            self._follower.missing()

    def _caught_up(self, until: float) -> None:
        if self._follower is not None:
            self._follower.caught_up(until)

    async def _hear(self, record: ConsumerRecord) -> None:
        try:
            event = read_event(record.headers, record.value)
            handler = self._handlers.get(event.type)
            message = event.message() if handler is not None else None
        except Undecodable:
            return
        if handler is not None:
            await handler(event, message)
