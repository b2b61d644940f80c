"""A log that begins anew under its readers, as that of a broker does that keeps it in memory and was restarted."""

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

log = structlog.get_logger(__name__)


async def begins_anew(kafka: AIOKafkaConsumer, partition: TopicPartition) -> bool:
    """Whether the log ends before the position that is read from; then the client reads from its beginning.

    Apache Kafka refuses such a fetch and the client resets its offset by itself. The embedded broker answers it with
    nothing, for ever. Ask only about an assigned partition of which nothing is left to be read here. Raises KafkaError.
    """
    fetched_end = kafka.highwater(partition)
    position = await kafka.position(partition)
    if fetched_end is None or position <= fetched_end:
        return False
    # A leader just elected may tell a fetch an end that is too low; asked for its end it tells none (KIP-207).
    if position <= (end := (await kafka.end_offsets([partition]))[partition]):
        return False
    log.warning("log_begins_anew", topic=partition.topic, partition=partition.partition, position=position, end=end)
    await kafka.seek_to_beginning(partition)
    return True
