"""Waiting until nothing is on its way any more: no event to publish, no record to read, no mail to send."""

import asyncio
import time
from typing import Any

from pymongo import MongoClient

from deploy.local.probes import on_the_way
from deploy.local.testing import RunningSuite
from tests.chaos.surroundings import SESSION_SECONDS

STILL_SECONDS = 2.5 * SESSION_SECONDS
"""For so long nothing must be on its way. The partitions of a member that was killed are nobody's until its session is
over and the group has met again: for as long no gauge tells what is to be read there."""


async def quiet(suite: RunningSuite, seconds: float) -> list[str]:
    """What is still on its way after so many seconds; empty as soon as there is nothing."""
    deadline = still_since = time.monotonic()
    deadline += seconds
    while (now := time.monotonic()) < deadline:
        left = await asyncio.to_thread(_left, suite)
        if left:
            still_since = now
        elif now - still_since >= STILL_SECONDS:
            return []
        await asyncio.sleep(0.3)
    return left or ["it has just become quiet"]


def _left(suite: RunningSuite) -> list[str]:
    with MongoClient[dict[str, Any]](suite.mongo_url) as client:
        mails = client["notify"]["deliveries"].count_documents({"state": {"$in": ["queued", "sending"]}})
    return [*on_the_way(suite.suite.programs), *([f"{mails} mails to send"] if mails else [])]
