"""A call through the real server and channel: who may call, how long it may take, what comes back when it fails."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from primetrade.notify.v1 import notify_pb2, notify_pb2_grpc

from chassis.cancelling import cancel
from chassis.clock import SystemClock
from chassis.deadline import remaining, within
from chassis.errors import (
    DeadlineExceeded,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
    Violation,
)
from chassis.identity import current_principal
from chassis.rpc.client import RpcFailed, ServiceChannel, bearer, service_config
from chassis.rpc.concerns import Access
from chassis.rpc.guard import Guard
from chassis.rpc.health import EngineChecks, RpcHealth
from chassis.rpc.keys import auth_channel, auth_keys
from chassis.rpc.server import RpcServer, Service
from chassis.settings import ServiceSettings
from chassis.telemetry import traces
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from chassis.tokens import RemoteKeys, TokenVerifier

DESCRIPTOR = notify_pb2.DESCRIPTOR.services_by_name["NotificationsService"]
ASK = notify_pb2.ListNotificationsRequest()
CHANGE = notify_pb2.UpdateNotificationRequest()


class Servicer(notify_pb2_grpc.NotificationsServiceServicer):
    """Does what the test says; UpdateNotification is for services only."""

    def __init__(self) -> None:
        self.calls = 0
        self.behave: Callable[[], Any] = notify_pb2.ListNotificationsResponse

    async def ListNotifications(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls += 1
        result = self.behave()
        return await result if asyncio.iscoroutine(result) else result

    async def UpdateNotification(self, request: Any, context: Any) -> Any:  # noqa: N802
        return notify_pb2.Notification(owner_id=current_principal().subject)


class Wire:
    """A servicer behind the real server, and a stub on the real channel."""

    def __init__(self, servicer: Servicer, server: RpcServer, channel: ServiceChannel, issuer: Issuer) -> None:
        self.servicer, self.server, self.channel, self.issuer = servicer, server, channel, issuer
        self.stub = notify_pb2_grpc.NotificationsServiceStub(channel)
        self.user = bearer(issuer.token("ada"))

    async def ask(self, **options: Any) -> notify_pb2.ListNotificationsResponse:
        return await self.stub.ListNotifications(ASK, **{"metadata": self.user, **options})


@asynccontextmanager
async def wired(**settings: Any) -> AsyncIterator[Wire]:
    async with Issuer() as issuer:
        health = RpcHealth([DESCRIPTOR.full_name])
        servicer = Servicer()
        service = Service(
            DESCRIPTOR,
            notify_pb2_grpc.add_NotificationsServiceServicer_to_server,
            servicer,
            {"ListNotifications": Access.USER, "UpdateNotification": Access.SERVICE},
        )
        channel = auth_channel(issuer.target)
        keys = auth_keys(channel, 10)
        verifier = TokenVerifier(keys, issuer.issuer, issuer.audience, SystemClock())
        server = RpcServer(ServiceSettings(**{"grpc_drain_notice": 0, **settings}), [service], verifier, health)
        async with channel, keys, server:
            await health.serving()
            target = f"127.0.0.1:{server.port}"
            async with ServiceChannel(target, DESCRIPTOR.full_name, 5.0, {"ListNotifications"}) as neighbour:
                yield Wire(servicer, server, neighbour, issuer)


@pytest.fixture(scope="module")
async def wire() -> AsyncIterator[Wire]:
    async with wired() as made:
        yield made


@pytest.fixture(autouse=True)
def behaves(wire: Wire) -> None:
    wire.servicer.behave, wire.servicer.calls = notify_pb2.ListNotificationsResponse, 0


def failing(error: Exception) -> Callable[[], Any]:
    def behave() -> Any:
        raise error

    return behave


async def test_a_call_acts_as_the_token_it_carries(wire: Wire) -> None:
    answer = await wire.stub.UpdateNotification(CHANGE, metadata=bearer(wire.issuer.service_token()))
    assert answer.owner_id == "service:test"


async def test_a_user_may_not_call_what_is_for_services(wire: Wire) -> None:
    with pytest.raises(Forbidden):
        await wire.stub.UpdateNotification(CHANGE, metadata=wire.user)


def forged(issuer: Issuer, **header: Any) -> str:
    return issuer.token("ada", headers=header)


def alg_none(issuer: Issuer) -> str:
    claims = jwt.decode(issuer.token("ada"), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": issuer.kid})


def hs256_with_the_public_key(issuer: Issuer) -> str:
    claims = jwt.decode(issuer.token("ada"), options={"verify_signature": False})
    return jwt.encode(
        claims, issuer.key.public_key().public_bytes_raw(), algorithm="HS256", headers={"kid": issuer.kid}
    )


def tampered(issuer: Issuer) -> str:
    header, _, signature = issuer.token("ada").split(".")
    claims = jwt.decode(issuer.token("ada"), options={"verify_signature": False}) | {"sub": "eve"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{body}.{signature}"


BAD_TOKENS: dict[str, Callable[[Issuer], str]] = {
    "expired": lambda issuer: issuer.token("ada", exp=1),
    "wrong key": lambda issuer: issuer.token("ada", key=Ed25519PrivateKey.generate()),
    "unknown key": lambda issuer: forged(issuer, kid="another"),
    "no key id": lambda issuer: forged(issuer, kid=None),
    "wrong audience": lambda issuer: issuer.token("ada", aud="others"),
    "wrong issuer": lambda issuer: issuer.token("ada", iss="others"),
    "no subject": lambda issuer: issuer.token("ada", sub=None),
    "no session": lambda issuer: issuer.token("ada", sid=None),
    "no expiry": lambda issuer: issuer.token("ada", exp=None),
    "a session that is no string": lambda issuer: issuer.token("ada", sid=7),
    "roles that are no list": lambda issuer: issuer.token("ada", roles="service"),
    "an expiry beyond time": lambda issuer: issuer.token("ada", exp=10**18),
    "alg none": alg_none,
    "alg HS256": hs256_with_the_public_key,
    "tampered": tampered,
    "no token at all": lambda _: "",
    "not a token": lambda _: "hello",
    "three empty parts": lambda _: "..",
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_token_that_does_not_hold_is_refused(wire: Wire, kind: str) -> None:
    with pytest.raises(Unauthenticated):
        await wire.ask(metadata=bearer(BAD_TOKENS[kind](wire.issuer)))
    assert wire.servicer.calls == 0


@pytest.mark.parametrize("metadata", [(), (("authorization", "Basic YTpi"),), (("authorization", "Bearer"),)])
async def test_another_scheme_is_refused(wire: Wire, metadata: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(Unauthenticated):
        await wire.ask(metadata=metadata)


async def test_an_error_comes_back_as_what_it_was(wire: Wire) -> None:
    wire.servicer.behave = failing(Invalid([Violation("page_size", "at most 100"), Violation("page_token", "unknown")]))
    with pytest.raises(Invalid) as raised:
        await wire.ask()
    assert [violation.field for violation in raised.value.violations] == ["page_size", "page_token"]
    wire.servicer.behave = failing(NotFound("task", "7"))
    with pytest.raises(NotFound, match="task '7'"):
        await wire.ask()


async def test_a_bug_tells_the_caller_nothing(wire: Wire) -> None:
    wire.servicer.behave = failing(RuntimeError("password=hunter2"))
    with pytest.raises(RpcFailed) as raised:
        await wire.ask()
    assert "INTERNAL" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("method", ["ListNotifications", "UpdateNotification"])
async def test_bytes_that_are_no_message_are_refused_after_who_sends_them(
    wire: Wire, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{wire.server.port}") as channel:
        call: Any = channel.unary_unary(f"/{DESCRIPTOR.full_name}/{method}")
        cases = {
            (): grpc.StatusCode.UNAUTHENTICATED,
            wire.user if method == "ListNotifications" else bearer(wire.issuer.service_token()): (
                grpc.StatusCode.INVALID_ARGUMENT
            ),
        }
        for metadata, code in cases.items():
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(b"\xff\xff no message", metadata=tuple(metadata))
            assert refused.value.code() is code
            assert "DecodeError" not in repr(refused.value)
    assert wire.servicer.calls == 0
    assert caplog.records == []


async def test_bytes_that_are_no_message_are_refused_by_health_and_reflection_too(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    nonsense = b"\xff\xff no message"
    async with grpc.aio.insecure_channel(f"127.0.0.1:{wire.server.port}") as channel:
        check: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
        watch: Any = channel.unary_stream("/grpc.health.v1.Health/Watch")
        reflect: Any = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        calls: list[Callable[[], Any]] = [
            lambda: check(nonsense),
            lambda: watch(nonsense).read(),
            lambda: reflect(iter([nonsense])).read(),
        ]
        for call in calls:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call()
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "DecodeError" not in repr(refused.value)
    assert caplog.records == []


@pytest.mark.parametrize(
    "error",
    [
        Invalid(Violation(f"field_{number}", "must be none of “these”, ever") for number in range(1_000)),
        Invalid([Violation("x" * 10_000, "漢" * 10_000)]),
        NotFound("task", "漢" * 10_000),
        Unavailable("%" * 10_000),
    ],
    ids=["many violations", "a long violation", "a long name", "a long message"],
)
async def test_an_error_of_any_size_fits_into_the_headers_it_travels_in(wire: Wire, error: Exception) -> None:
    wire.servicer.behave = failing(error)
    with pytest.raises(type(error)) as raised:
        await wire.ask()
    if isinstance(raised.value, Invalid):
        assert raised.value.violations[0].field[:7] == error.violations[0].field[:7]  # type: ignore[attr-defined]


async def test_a_slow_call_ends_at_the_callers_deadline(wire: Wire) -> None:
    wire.servicer.behave = asyncio.Event().wait
    with pytest.raises(DeadlineExceeded):
        await wire.ask(timeout=0.1)
    with within(0.1), pytest.raises(DeadlineExceeded):
        await wire.ask()


async def test_the_deadline_goes_along(wire: Wire) -> None:
    seen: list[float] = []

    def behave() -> Any:
        seen.append(remaining(60))
        return notify_pb2.ListNotificationsResponse()

    wire.servicer.behave = behave
    await wire.ask(timeout=2.0)
    assert 0 < seen[0] < 5.0  # of the 60 s it may take by itself; gRPC rounds up


async def test_the_trace_goes_along(wire: Wire) -> None:
    seen: list[traces.TraceContext | None] = []

    def behave() -> Any:
        seen.append(traces.current_trace())
        return notify_pb2.ListNotificationsResponse()

    wire.servicer.behave = behave
    with traces.continued("", "test") as outer:
        await wire.ask()
    assert seen[0] is not None
    assert seen[0].trace_id == outer.trace_id


async def test_an_idempotent_call_is_tried_again_while_the_neighbour_is_unavailable(wire: Wire) -> None:
    def behave() -> Any:
        if wire.servicer.calls < 3:
            raise Unavailable("not yet")
        return notify_pb2.ListNotificationsResponse(unread_size=7)

    wire.servicer.behave = behave
    assert (await wire.ask()).unread_size == 7
    assert wire.servicer.calls == 3


async def test_an_outage_is_not_multiplied_by_retries() -> None:
    async with wired() as wire:
        wire.servicer.behave = failing(Unavailable("away"))
        for _ in range(40):
            with pytest.raises(Unavailable):
                await wire.ask()
        assert 40 < wire.servicer.calls < 80  # 160 if each call were four attempts


async def test_every_address_of_a_neighbour_is_used(wire: Wire) -> None:
    async with wired() as other:  # which takes the tokens of another issuer
        target = f"ipv4:127.0.0.1:{wire.server.port},127.0.0.1:{other.server.port}"
        async with ServiceChannel(target, DESCRIPTOR.full_name, 5.0) as channel:
            stub, answered = notify_pb2_grpc.NotificationsServiceStub(channel), set()

            async def both() -> bool:
                try:
                    await stub.ListNotifications(ASK, metadata=wire.user)
                    answered.add(wire)
                except Unauthenticated:
                    answered.add(other)
                return len(answered) == 2

            await eventually(both, "both answered")


async def test_nobody_at_the_target_is_left_alone_after_a_while_and_its_health_is_still_asked() -> None:
    guard = Guard("nobody", limit=10, failures=3)
    async with ServiceChannel("127.0.0.1:1", DESCRIPTOR.full_name, 2.0, guard=guard) as channel:
        stub, health = notify_pb2_grpc.NotificationsServiceStub(channel), health_pb2_grpc.HealthStub(channel)
        guard.heard(serving=False)
        for message in ("did not answer",) * 3 + ("left alone",):
            with pytest.raises(Unavailable, match=message):
                await stub.ListNotifications(ASK, metadata=())
        with pytest.raises(Unavailable, match="did not answer"):
            await health.Check(health_pb2.HealthCheckRequest(), metadata=())
        assert (guard.open, guard.count) == (True, 0)


async def test_what_a_neighbour_says_and_who_gives_it_too_little_time_is_not_held_against_it(wire: Wire) -> None:
    guard = Guard("said", limit=10, failures=1)
    async with ServiceChannel(f"127.0.0.1:{wire.server.port}", DESCRIPTOR.full_name, 60.0, guard=guard) as channel:
        stub = notify_pb2_grpc.NotificationsServiceStub(channel)
        for error in (Unavailable("no database"), NotFound("task", "7"), RuntimeError("a bug"), Unauthenticated("who")):
            wire.servicer.behave = failing(error)
            with pytest.raises((Exception,)) as raised:
                await stub.ListNotifications(ASK, metadata=wire.user)
            assert isinstance(raised.value, type(error) | RpcFailed)
            assert not guard.open
        wire.servicer.behave = asyncio.Event().wait
        with within(0.1), pytest.raises(DeadlineExceeded):
            await stub.ListNotifications(ASK, metadata=wire.user)
        assert not guard.open
        with pytest.raises(DeadlineExceeded):
            await stub.ListNotifications(ASK, metadata=wire.user, timeout=0.1)
        assert guard.open


async def test_a_caller_that_leaves_takes_its_call_along(wire: Wire) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def behave() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    wire.servicer.behave = behave
    asking = asyncio.create_task(wire.ask())
    await entered.wait()
    await cancel([asking])
    await asyncio.wait_for(cancelled.wait(), 60)


async def test_nobody_at_the_target_is_unavailable() -> None:
    async with ServiceChannel("127.0.0.1:1", DESCRIPTOR.full_name, 2.0) as channel:
        with pytest.raises(Unavailable):
            await notify_pb2_grpc.NotificationsServiceStub(channel).ListNotifications(ASK, metadata=())


def test_retries_are_for_the_named_methods_only() -> None:
    config = json.loads(service_config("a.B", {"GetThing"}))
    assert config["methodConfig"][0]["name"] == [{"service": "a.B", "method": "GetThing"}]
    assert json.loads(service_config("a.B", ()))["methodConfig"] == []


async def test_above_its_limit_the_server_sheds() -> None:
    async with wired(grpc_max_in_flight=1) as wire:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def behave() -> notify_pb2.ListNotificationsResponse:
            entered.set()
            await leave.wait()
            return notify_pb2.ListNotificationsResponse(unread_size=1)

        wire.servicer.behave = behave
        first = asyncio.create_task(wire.ask())
        await entered.wait()
        with pytest.raises(Unavailable, match="too many"):
            await wire.stub.UpdateNotification(CHANGE, metadata=bearer(wire.issuer.service_token()))
        leave.set()
        assert (await first).unread_size == 1


async def test_leaving_the_server_finishes_the_call_in_flight() -> None:
    async with wired() as wire:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def behave() -> notify_pb2.ListNotificationsResponse:
            entered.set()
            await leave.wait()
            return notify_pb2.ListNotificationsResponse(unread_size=1)

        wire.servicer.behave = behave
        call = asyncio.create_task(wire.ask())
        await entered.wait()
        closing = asyncio.create_task(wire.server.__aexit__())
        await asyncio.sleep(0)
        leave.set()
        assert (await call).unread_size == 1
        await closing


async def test_health_and_reflection_answer_without_a_token(wire: Wire) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{wire.server.port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", DESCRIPTOR.full_name):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=DESCRIPTOR.full_name)
        found = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
        files = [FileDescriptorProto.FromString(raw) for raw in found[0].file_descriptor_response.file_descriptor_proto]
        assert "primetrade/notify/v1/notify.proto" in {file.name for file in files}


async def test_an_engine_that_is_away_shows_under_its_own_name() -> None:
    answers = {"mongo": True}

    async def probe() -> None:
        if not answers["mongo"]:
            raise ConnectionError

    health = RpcHealth()
    server = grpc.aio.server()
    await health.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel, EngineChecks(health, {"mongo": probe}, 0.05):
        stub = health_pb2_grpc.HealthStub(channel)

        async def mongo_is(status: int) -> bool:
            try:
                answer = await stub.Check(health_pb2.HealthCheckRequest(service="engine:mongo"))
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == status)

        await eventually(lambda: mongo_is(health_pb2.HealthCheckResponse.SERVING), "mongo serving")
        answers["mongo"] = False
        await eventually(lambda: mongo_is(health_pb2.HealthCheckResponse.NOT_SERVING), "mongo away")
    await server.stop(0)


async def test_a_method_without_an_access_rule_stops_the_start(wire: Wire) -> None:
    service = Service(DESCRIPTOR, lambda *_: None, object(), {"ListNotifications": Access.USER})
    verifier = TokenVerifier(auth_keys(auth_channel("127.0.0.1:1"), None), "i", "a", SystemClock())
    with pytest.raises(ValueError, match="UpdateNotification has no access rule"):
        RpcServer(ServiceSettings(), [service], verifier, RpcHealth())


async def test_keys_that_cannot_be_had_are_unavailable_and_end_nothing(wire: Wire) -> None:
    """The server of another service knows no GetJwks: as auth with a bug, it answers with a status that says one."""
    async with auth_channel(f"127.0.0.1:{wire.server.port}") as channel:
        keys = auth_keys(channel, None)
        async with keys:
            with pytest.raises(Unavailable):
                await keys.find("any")
            assert not any(task.done() for task in keys.background())


async def test_a_key_that_is_none_leaves_those_that_were_known() -> None:
    published = {
        "good": base64.urlsafe_b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    }

    async def fetch() -> dict[str, str]:
        return dict(published)

    async with (keys := RemoteKeys(fetch, patience=10, unknown_every=0)):
        published["bad"] = "AAAA"
        assert await keys.find("bad") is None
        assert await keys.find("good") is not None
        assert not any(task.done() for task in keys.background())
