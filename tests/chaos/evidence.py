"""Reading what is there, with plain clients: pymongo, aiokafka, the files of the mail server."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import MongoClient

from tests.chaos.checks.events import TOPICS
from tests.chaos.observed import Mail, Observed, Record, Stored

KafkaRecord: TypeAlias = Any  # aiokafka comes without types
_PREFIX = "primetrade."
_EMPTY_READS = 3
"""So many reads in a row must bring nothing, and every partition be at its end, before a topic counts as read."""


async def gather(mongo_url: str, kafka: str, mails: Path) -> Observed:
    """Everything there is now."""
    records = await _records(kafka)
    documents, reminders = await asyncio.to_thread(_stored, mongo_url)
    return Observed(
        documents=documents,
        records=[record for record in records if not record.topic.endswith(".dlq")],
        letters=[record for record in records if record.topic.endswith(".dlq")],
        reminders=reminders,
        mails=await asyncio.to_thread(lambda: list(_mails(mails))),
    )


def keep(observed: Observed, path: Path) -> None:
    """Write all of it into a file, a line of JSON for each thing: what is in memory only would be gone."""
    with path.open("w") as out:
        for part in ("documents", "records", "letters", "mails"):
            for one in getattr(observed, part):
                fields = {name: getattr(one, name) for name in one.__slots__}
                print(json.dumps({"part": part, **fields}, default=_plain), file=out)


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _stored(mongo_url: str) -> tuple[list[Stored], dict[str, int]]:
    with MongoClient[dict[str, Any]](mongo_url, tz_aware=True, uuidRepresentation="standard") as client:
        documents = []
        for name in TOPICS:
            database, collection = name.split(".")
            documents += [_document(name, found) for found in client[database][collection].find()]
        reminders = client["notify"]["reminders"].find({}, {"sequence": 1})
        return documents, {str(found["_id"]): int(found["sequence"]) for found in reminders}


def _document(collection: str, found: dict[str, Any]) -> Stored:
    return Stored(
        collection,
        str(found.pop("_id")),
        found.pop("version"),
        found.pop("sequence"),
        len(found.pop("pending", ())),
        "deleted_at" in found,
        {name: value for name, value in found.items() if name not in ("password_hash", "token_digest")},
    )


async def _records(kafka: str) -> list[Record]:
    partitions = await _partitions(kafka)
    async with _reader(kafka) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[Record] = []
        empty = 0
        while empty < _EMPTY_READS:
            fetched = await consumer.getmany(timeout_ms=500)
            found += [_record(record) for records in fetched.values() for record in records]
            ends = await consumer.end_offsets(partitions)
            behind = [one for one in partitions if await consumer.position(one) < ends[one]]
            empty = 0 if fetched or behind else empty + 1
        return found


async def _partitions(kafka: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        topics = await admin.describe_topics()
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in topics
        if topic["topic"].startswith(_PREFIX)
        for partition in topic["partitions"]
    ]


@asynccontextmanager
async def _reader(kafka: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


def _record(record: KafkaRecord) -> Record:
    headers = {name: (value or b"").decode(errors="backslashreplace") for name, value in record.headers}
    key = (record.key or b"").decode(errors="backslashreplace")
    return Record(record.topic, record.partition, record.offset, key, headers, record.value or b"")


def _mails(folder: Path) -> Iterator[Mail]:
    for path in sorted(folder.glob("*.eml")):
        letter = message_from_bytes(path.read_bytes(), policy=policy.default)
        yield Mail(str(letter["Message-ID"]), str(letter["To"]))
