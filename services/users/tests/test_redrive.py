"""A registration that was put aside becomes a profile when an operator redrives it."""

import pytest
from aiokafka import AIOKafkaProducer
from primetrade.auth.v1 import auth_pb2
from primetrade.auth.v1 import events_pb2 as auth_events
from primetrade.events.v1 import dead_letters_pb2 as pb
from primetrade.events.v1 import dead_letters_pb2_grpc as grpc_pb

from chassis.clock import SystemClock, ordered_id
from chassis.errors import Forbidden
from chassis.events.envelope import Event
from chassis.events.topics import AUTH
from chassis.rpc.client import ServiceChannel, bearer
from chassis.rpc.server import RpcServer
from services.users.tests.world import World, profile


async def test_it_becomes_a_profile_once(users: World) -> None:
    person = profile("Grace")
    account = auth_pb2.Account(id=person.id, name="Grace", email=person.email, roles=["user"])
    account.create_time.CopyFrom(person.create_time)
    event = Event(
        id=ordered_id(), type=auth_events.AccountRegistered.DESCRIPTOR.full_name, source="/primetrade/auth",
        subject=account.id, time=SystemClock().now(), sequence=1,
        data=auth_events.AccountRegistered(account=account).SerializeToString(),
    )  # fmt: skip
    topic = AUTH.dead_letters(users.settings.kafka_prefix, "users")
    producer = AIOKafkaProducer(
        bootstrap_servers=users.settings.kafka_bootstrap_servers, enable_idempotence=users.settings.kafka_idempotence
    )
    await producer.start()
    try:
        written = await producer.send_and_wait(topic, event.data, event.key, 0, headers=event.headers())
    finally:
        await producer.stop()

    operator = bearer(users.issuer.token("operator:ada", roles=["operator"]))
    target = f"127.0.0.1:{users.process.component(RpcServer).port}"
    async with ServiceChannel(target, "primetrade.events.v1.DeadLettersService", timeout=20) as channel:
        stub = grpc_pb.DeadLettersServiceStub(channel)
        request = pb.RedriveDeadLetterRequest(id=f"{topic}:0:{written.offset}")
        for _ in range(2):
            letter = await stub.RedriveDeadLetter(request, metadata=operator)
            assert letter.redrive.outcome == pb.REDRIVE_OUTCOME_HANDLED
        with pytest.raises(Forbidden):
            await stub.RedriveDeadLetter(request, metadata=bearer(users.issuer.token(account.id)))

    assert (await users.get(account.id, account.id)).name == "Grace"
    assert len(await users.events(account.id, until=1)) == 1
