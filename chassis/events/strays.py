"""Topics are made by whoever declares them, and by no one who merely asks for them.

A client that asks for a topic by name has a broker with `auto.create.topics.enable`, which is Kafka's default and the
embedded broker's only way, create it with partitions of the broker's choice: the keys of its events would move. Java's
clients can tell it not to (`allow.auto.create.topics`, KIP-361). aiokafka sends the field (Metadata, from version 4)
and has no setting for it, so what it asks with is replaced here, for every client of the process.
"""

from functools import partial

import aiokafka.admin.client
import aiokafka.client
from aiokafka.protocol.metadata import MetadataRequest

_ASKING = partial(MetadataRequest, allow_auto_topic_creation=False)


def asking_creates_nothing() -> None:
    """From now on no aiokafka client of this process has a topic created that it asks for. Safe to call twice."""
    aiokafka.client.MetadataRequest = _ASKING
    aiokafka.admin.client.MetadataRequest = _ASKING
