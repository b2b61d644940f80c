"""What counts as a loss of the broker's log, and what only looks like one."""

import pytest

from chassis.events.publishing.continuity import COLLECTION, BrokerLog, Continuity, Held, Look, Run
from chassis.testing.engines import Engines
from chassis.tests.notes import NoteProcess, settings_for

TOPIC, PARTITIONS = "tasks", 2


def told(*ends: int) -> BrokerLog:
    return BrokerLog(PARTITIONS, dict(enumerate(ends)))


async def test_what_is_acknowledged_while_the_broker_is_asked_is_no_loss(engines: Engines) -> None:
    async with NoteProcess(settings_for(engines)).stored() as process:
        collection = process.mongo.collection(COLLECTION)
        here, there = Continuity(collection, PARTITIONS, 10), Continuity(collection, PARTITIONS, 10)
        await here.refresh(TOPIC)
        await there.refresh(TOPIC)
        here.acknowledged(TOPIC, 0, 1, begin=4)

        def overtaken(last: int) -> Look:
            """The answer comes after further batches, of this process and of another."""

            async def look() -> BrokerLog:
                here.acknowledged(TOPIC, 0, 1, begin=last + 1)
                there.acknowledged(TOPIC, 1, 1, begin=last)
                assert await there.confirmed(TOPIC, 1)
                return told(last + 1, last)

            return look

        assert not await here.regressed(TOPIC, overtaken(4))
        await here.admit(TOPIC, overtaken(5))

        async def emptied() -> BrokerLog:
            return told(0, 0)

        assert await here.regressed(TOPIC, emptied)
        with pytest.raises(Held):
            await here.admit(TOPIC, emptied)


async def test_a_run_that_goes_on_while_the_broker_is_asked_is_not_cut() -> None:
    run = Run(PARTITIONS)
    run.acknowledged(TOPIC, 0, 0, begin=4)

    async def overtaken() -> BrokerLog:
        run.acknowledged(TOPIC, 0, 0, begin=5)
        return told(5, 0)

    await run.admit(TOPIC, overtaken)

    async def shortened() -> BrokerLog:
        return told(4, 0)

    with pytest.raises(Held):
        await run.admit(TOPIC, shortened)
