"""Redriven events have the effect they would have had, once, beside the consumer that reads on."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from primetrade.events.v1 import dead_letters_pb2 as pb
from primetrade.events.v1 import dead_letters_pb2_grpc as grpc_pb
from primetrade.tasks.v1 import events_pb2, tasks_pb2

from chassis.errors import Forbidden
from chassis.events.envelope import Event
from chassis.events.topics import TASKS
from chassis.rpc.client import bearer
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from services.notify.tests.house import House, Task, event_of


class Letters:
    """The dead letters of tasks' events, as an operator of the house has them."""

    def __init__(self, house: House, issuer: Issuer) -> None:
        self._house = house
        self.stub = grpc_pb.DeadLettersServiceStub(house.channel)
        self.operator = bearer(issuer.token("operator:ada", roles=["operator"], exp=2**32))
        self.topic = TASKS.dead_letters(house.settings.kafka_prefix, "notify")

    async def write(self, event: Event) -> str:
        """Put an event aside as the consumer does; its id."""
        settings = self._house.settings
        producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, enable_idempotence=False)
        await producer.start()
        try:
            written = await producer.send_and_wait(self.topic, event.data, event.key, 0, headers=event.headers())
        finally:
            await producer.stop()
        return f"{self.topic}:0:{written.offset}"

    async def redrive(self, id: str) -> pb.Redrive:
        letter = await self.stub.RedriveDeadLetter(pb.RedriveDeadLetterRequest(id=id), metadata=self.operator)
        return letter.redrive


@pytest.fixture
def letters(house: House, issuer: Issuer) -> Letters:
    return Letters(house, issuer)


async def test_a_redriven_event_comes_into_the_inbox_once_however_often_it_comes(
    house: House, letters: Letters
) -> None:
    task = Task(uuid4())
    created, completed = task.created(), task.completed()
    id = await letters.write(completed)
    await house.publish(created)

    live = asyncio.create_task(house.publish(completed, completed))
    redrives = await asyncio.gather(*(letters.redrive(id) for _ in range(5)))
    assert [redrive.outcome for redrive in redrives] == [pb.REDRIVE_OUTCOME_HANDLED] * 5
    await live
    await house.handled(completed)

    assert [entry.task_id for entry in await house.inbox(task.owner)] == [str(task.id)]
    assert (await house.document("reminders", task.id) or {})["sequence"] == 2


async def test_an_overtaken_event_is_superseded_and_the_projection_stays(house: House, letters: Letters) -> None:
    task = Task(uuid4(), due=datetime.now(UTC) + timedelta(days=9))
    created = task.created()
    updated = task.updated(title="Pay it later", due=datetime.now(UTC) + timedelta(days=30))
    id = await letters.write(created)
    await house.publish(updated)
    await house.handled(updated)
    known = await house.document("reminders", task.id)

    assert (await letters.redrive(id)).outcome == pb.REDRIVE_OUTCOME_SUPERSEDED
    assert known is not None
    assert await house.document("reminders", task.id) == known


async def test_an_event_that_makes_no_sense_fails_as_it_did_and_is_shown(house: House, letters: Letters) -> None:
    id = uuid4()
    message = tasks_pb2.Task(id=str(id), owner_id=str(uuid4()), title="Never")
    message.due_time.seconds = 10**15
    await house.publish(event_of(events_pb2.TaskCreated(task=message), str(id)))

    async def put_aside() -> list[pb.DeadLetter]:
        request = pb.ListDeadLettersRequest(outstanding=True, topic=letters.topic)
        page = await letters.stub.ListDeadLetters(request, metadata=letters.operator)
        return [letter for letter in page.dead_letters if letter.subject == str(id)]

    (letter,) = await eventually(put_aside, "the letter")
    assert letter.reason.startswith("permanent: Permanent: ")
    redrive = await letters.redrive(letter.id)
    assert (redrive.outcome, redrive.reason) == (pb.REDRIVE_OUTCOME_FAILED, letter.reason)


async def test_a_person_may_not(house: House, letters: Letters) -> None:
    with pytest.raises(Forbidden):
        await letters.stub.ListDeadLetters(pb.ListDeadLettersRequest(), metadata=bearer(house.token(uuid4())))
