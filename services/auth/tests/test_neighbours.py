"""Auth and users: the profile asked for at registration, the name followed afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import grpc
import jwt
from aiokafka import AIOKafkaProducer
from primetrade.users.v1 import events_pb2, users_pb2, users_pb2_grpc

from chassis.clock import SystemClock, ordered_id
from chassis.events.envelope import Event
from chassis.rpc.concerns import Context
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from services.auth.tests.world import World, running, settings


@dataclass
class Users(users_pb2_grpc.UsersServiceServicer):
    """The neighbour's end of the wire: keeps what it is asked, answers after `delay` seconds, or fails.

    What auth does not call stays unimplemented, as generated.
    """

    delay: float = 0
    fails: bool = False
    asked: list[users_pb2.Profile] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    async def CreateProfile(  # noqa: N802
        self, request: users_pb2.CreateProfileRequest, context: Context
    ) -> users_pb2.Profile:
        self.asked.append(request.profile)
        metadata = {name: str(value) for name, value in context.invocation_metadata() or ()}
        self.tokens.append(metadata["authorization"].removeprefix("Bearer "))
        await asyncio.sleep(self.delay)
        if self.fails:
            await context.abort(grpc.StatusCode.INTERNAL, "a bug")
        return request.profile

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = grpc.aio.server()
        users_pb2_grpc.add_UsersServiceServicer_to_server(self, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(0)


async def test_registration_asks_for_the_profile_as_a_service(engines: Engines) -> None:
    users = Users()  # type: ignore[abstract]
    async with (
        users.listening() as target,
        running(settings(engines, users_target=target, users_timeout=60)) as auth,  # it is there: only a defect is late
    ):
        account = (await auth.register(name="Grace")).account
        await auth.register()
    profile, claims = users.asked[0], jwt.decode(users.tokens[0], options={"verify_signature": False})
    assert (profile.id, profile.name, profile.email) == (account.id, "Grace", account.email)
    assert profile.create_time == account.create_time
    assert claims["roles"] == ["service"]
    assert claims["sub"] == "service:auth"
    assert claims["exp"] - claims["iat"] == 60
    # One token serves for a while.
    assert users.tokens[0] == users.tokens[1]


async def test_registration_waits_only_briefly_for_a_slow_neighbour_and_passes_over_a_broken_one(
    engines: Engines,
) -> None:
    users = Users(delay=120)  # type: ignore[abstract]
    async with (
        users.listening() as target,
        running(settings(engines, users_target=target, users_timeout=5)) as auth,
    ):
        async with asyncio.timeout(60):
            slow = await auth.register()
        users.delay, users.fails = 0, True
        broken = await auth.register()
    assert [profile.id for profile in users.asked] == [slow.account.id, broken.account.id]
    assert slow.tokens.access_token
    assert broken.tokens.access_token


async def tell(auth: World, account: str, name: str, sequence: int) -> None:
    """Publish ProfileUpdated as users does."""
    message = events_pb2.ProfileUpdated(profile=users_pb2.Profile(id=account, name=name))
    event = Event(
        id=ordered_id(),
        type=events_pb2.ProfileUpdated.DESCRIPTOR.full_name,
        source="/primetrade/users",
        subject=account,
        time=SystemClock().now(),
        sequence=sequence,
        data=message.SerializeToString(),
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=auth.settings.kafka_bootstrap_servers, enable_idempotence=auth.settings.kafka_idempotence
    )
    await producer.start()
    try:
        topic = f"{auth.settings.kafka_prefix}.users.v1"
        await producer.send_and_wait(topic, value=event.data, key=event.key, headers=event.headers())
    finally:
        await producer.stop()


async def test_login_names_the_person_as_the_newest_profile_does(auth: World) -> None:
    account = (await auth.register(name="Ada")).account

    async def named(name: str) -> bool:
        return (await auth.login(account.email)).account.name == name

    await tell(auth, account.id, "Augusta Ada", 3)
    await eventually(lambda: named("Augusta Ada"), "the new name at login")
    # An older event that comes late, and one of an account that is not ours, change nothing.
    await tell(auth, account.id, "Ada King", 2)
    await tell(auth, str(uuid4()), "Nobody", 1)
    await tell(auth, account.id, "Countess of Lovelace", 4)
    await eventually(lambda: named("Countess of Lovelace"), "the newest name at login")
    stored = await auth.collection("accounts").find_one({"email": account.email}) or {}
    assert stored["profile_sequence"] == 4
    # The name is the profile's fact: the account tells nothing of it.
    assert stored["sequence"] == 1
