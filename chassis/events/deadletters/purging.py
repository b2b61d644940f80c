"""Deleting records from a topic (Kafka's DeleteRecords, KIP-107)."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import IncompatibleBrokerVersion, KafkaConnectionError, UnsupportedVersionError

from chassis.events.admin import connected
from chassis.events.deadletters.reading import ATTEMPT_SECONDS, broker_calls
from chassis.settings import Settings


async def delete_before(settings: Settings, place: TopicPartition, offset: int) -> bool:
    """Delete the partition's records before `offset`, which must not lie beyond its end; whether the broker does so.

    Raises Unavailable when the broker does not answer. The embedded one hangs up on this request, and answers others.
    """
    with broker_calls():
        async with asyncio.timeout(ATTEMPT_SECONDS):
            admin = await connected(settings)
            try:
                return await _deleted(admin, place, offset)
            finally:
                await admin.close()


async def _deleted(admin: AIOKafkaAdminClient, place: TopicPartition, offset: int) -> bool:
    try:
        await admin.delete_records({place: RecordsToDelete(before_offset=offset)})
    except (UnsupportedVersionError, IncompatibleBrokerVersion):
        return False
    except KafkaConnectionError:
        await admin.describe_topics()  # raises when it is the broker that is away
        return False
    return True
