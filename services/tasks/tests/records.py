"""What a stranger reads on the service's topic, with a plain aiokafka consumer."""

from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from chassis.events.envelope import read_event
from chassis.testing.eventually import eventually
from services.tasks.tests.wire import Service


@dataclass(frozen=True)
class Told:
    """An event as it was read."""

    record: ConsumerRecord
    sequence: int
    name: str
    message: Any


async def records_of(service: Service, key: str, count: int) -> list[ConsumerRecord]:
    """The records under a key, in the order of their partition, as soon as there are `count` of them.

    A repeated record (the same ce_id) is counted and returned once, at its first place.
    """
    settings = service.settings
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await consumer.start()
    try:
        topic = f"{settings.kafka_prefix}.tasks.v1"
        partitions = [TopicPartition(topic, number) for number in range(settings.kafka_partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: dict[bytes, ConsumerRecord] = {}

        async def enough() -> bool:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    if record.key == key.encode():
                        found.setdefault(dict(record.headers)["ce_id"], record)
            return len(found) >= count

        await eventually(enough, f"{count} events of {key}")
        return list(found.values())
    finally:
        await consumer.stop()


async def events_of(service: Service, key: str, count: int) -> list[Told]:
    """The events of a task, as soon as there are `count` of them."""
    told = []
    for record in await records_of(service, key, count):
        event = read_event(record.headers, record.value)
        told.append(Told(record, event.sequence, event.type.rpartition(".")[2], event.message()))
    return told
