"""A session that ended is over at every gateway, whatever is away and whoever was restarted."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.auth.v1 import auth_pb2, events_pb2
from prometheus_client import Gauge

from chassis.errors import Unavailable
from chassis.events.envelope import Event
from chassis.events.topics import AUTH
from chassis.telemetry import metrics
from chassis.testing.engines import Broker, Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from chassis.testing.ports import free_port
from chassis.tests.kafka import Publisher, settings_for
from gateway.app import build
from gateway.revocations import Revocations
from gateway.server import HttpServer
from gateway.settings import Settings
from gateway.tests.conftest import PLENTY, TESTED, checked
from gateway.tests.contract import Contract
from gateway.tests.upstream import PERSON_ID, Upstream

RETENTION = 960
PAGE = 2
AWAY = Unavailable("auth is away")


@dataclass
class Told:
    """What auth tells of ended sessions, two at a time, and what it was asked."""

    ended: dict[str, int] = field(default_factory=dict)
    asked: list[auth_pb2.ListRevokedSessionsRequest] = field(default_factory=list)

    def ends(self, session: str, seconds_ago: int = 0) -> None:
        self.ended[session] = int(time.time()) - seconds_ago

    async def __call__(self, request: auth_pb2.ListRevokedSessionsRequest) -> auth_pb2.ListRevokedSessionsResponse:
        self.asked.append(request)
        at = int(request.page_token or 0)
        told = [
            auth_pb2.RevokedSession(session_id=session, revoke_time=Timestamp(seconds=seconds))
            for session, seconds in sorted(self.ended.items(), key=lambda item: item[1])
            if seconds >= request.start_time.seconds
        ]
        following = str(at + PAGE) if len(told) > at + PAGE else ""
        return auth_pb2.ListRevokedSessionsResponse(
            revoked_sessions=told[at : at + PAGE], next_page_token=following, retention=Duration(seconds=RETENTION)
        )


@dataclass
class Gateway:
    """A running gateway, and a client of it that holds every answer against the document."""

    revocations: Revocations
    client: httpx.AsyncClient
    issuer: Issuer

    async def status(self, session: str) -> int:
        """What a request with a token of that session gets."""
        token = self.issuer.token(PERSON_ID, sid=session)
        response = await self.client.get("/api/v1/users/me", headers={"authorization": f"Bearer {token}"})
        if response.status_code == 401:
            assert response.json()["detail"] == "the session has ended"
            assert response.headers["www-authenticate"].startswith("Bearer ")
        return response.status_code

    async def answers(self, status: int, *sessions: str) -> None:
        async def all_do() -> bool:
            return [await self.status(session) for session in sessions] == [status] * len(sessions)

        await eventually(all_do, f"{sessions} get {status}")

    async def is_ready(self) -> None:
        await eventually(lambda: self._ready(200), "the gateway is ready")

    async def is_not_ready(self) -> None:
        await eventually(lambda: self._ready(503), "the gateway is not ready")

    async def _ready(self, status: int) -> bool:
        return (await self.client.get("/readyz")).status_code == status


@pytest.fixture
async def auth(issuer: Issuer) -> AsyncIterator[Upstream]:
    """The services of this test alone: who is asked for ended sessions is asked by no other gateway."""
    async with Upstream(issuer) as upstream:
        yield upstream


@pytest.fixture
def told(auth: Upstream) -> Told:
    told = Told()
    auth.answer("ListRevokedSessions", told)
    return told


@asynccontextmanager
async def gateway(auth: Upstream, issuer: Issuer, contract: Contract, **settings: Any) -> AsyncIterator[Gateway]:
    """A gateway without Kafka, if the settings do not say where that is."""
    targets = dict.fromkeys(("auth_target", "users_target", "tasks_target", "notify_target"), auth.target)
    nowhere = {"kafka_bootstrap_servers": f"127.0.0.1:{free_port()}"}
    process = build(Settings(gateway_port=0, **{**TESTED, **targets, **nowhere, **PLENTY, **settings}))
    async with process.running():
        origin = f"http://127.0.0.1:{process.component(HttpServer).port}"
        async with checked(origin, contract) as client:
            yield Gateway(process.component(Revocations), client, issuer)


def hearing(engines: Engines) -> dict[str, object]:
    """Settings of a Kafka with a topic of the test's own."""
    wanted = ("kafka_bootstrap_servers", "kafka_idempotence", "kafka_prefix", "kafka_partitions")
    values = settings_for(engines, kafka_partitions=2).model_dump()
    return {name: values[name] for name in wanted}


def publisher(where: dict[str, object]) -> Publisher:
    return Publisher(Settings.model_validate(where), AUTH)


def revocations(*sessions: str) -> Sequence[Event]:
    return [
        Event(
            id=uuid4(),
            type=events_pb2.SessionRevoked.DESCRIPTOR.full_name,
            source="/primetrade/auth",
            subject=session,
            time=datetime.now(UTC),
            sequence=1,
            data=events_pb2.SessionRevoked(session_id=session, account_id=PERSON_ID).SerializeToString(),
            actor="",
            traceparent="",
        )
        for session in sessions
    ]


async def test_what_ended_before_the_gateway_began_is_refused_from_its_first_answer_on(
    auth: Upstream, told: Told, issuer: Issuer, contract: Contract
) -> None:
    for number in range(5):
        told.ends(f"ended-{number}", seconds_ago=100 * number)
    async with gateway(auth, issuer, contract) as one:
        await one.is_ready()
        assert [await one.status(f"ended-{number}") for number in range(5)] == [401] * 5
        assert await one.status("alive") == 200
    assert [(request.page_token, request.HasField("start_time")) for request in told.asked[:3]] == [
        ("", False), ("2", False), ("4", False)
    ]  # fmt: skip


async def test_an_end_is_heard_by_every_gateway(
    auth: Upstream, told: Told, issuer: Issuer, contract: Contract, engines: Engines
) -> None:
    where = hearing(engines)
    async with (
        publisher(where) as topic,
        gateway(auth, issuer, contract, **where) as one,
        gateway(auth, issuer, contract, **where) as other,
    ):
        gateways = (one, other)
        await eventually(lambda: all(each.revocations.hears for each in gateways), "both read the topic without a gap")
        for each in gateways:
            assert await each.status("ended") == await each.status("ended too") == 200
        await topic.publish(*revocations("ended"), partition=0)
        await topic.publish(*revocations("ended too"), partition=1)
        for each in gateways:
            await each.answers(401, "ended", "ended too")
            assert await each.status("alive") == 200


async def test_while_kafka_is_away_auth_is_asked_for_what_is_new(
    auth: Upstream, told: Told, issuer: Issuer, contract: Contract
) -> None:
    told.ends("ended", seconds_ago=300)
    async with gateway(auth, issuer, contract) as one:
        await one.is_ready()
        told.ends("ended now")
        await one.answers(401, "ended", "ended now")
        assert not one.revocations.hears
        first, second = told.asked[0], told.asked[1]
        assert not first.HasField("start_time")
        assert second.start_time.seconds == told.ended["ended"] - 60


async def test_an_end_that_is_dated_ahead_hides_no_other(
    auth: Upstream, told: Told, issuer: Issuer, contract: Contract
) -> None:
    told.ends("ended ahead", seconds_ago=-3_600)
    async with gateway(auth, issuer, contract) as one:
        await one.is_ready()
        told.ends("ended now")
        await one.answers(401, "ended ahead", "ended now")


async def test_after_a_gap_auth_is_asked_for_what_was_not_heard(
    auth: Upstream, told: Told, issuer: Issuer, contract: Contract, tmp_path: Path
) -> None:
    with Broker(tmp_path) as broker:
        where = hearing(broker.engines())
        async with publisher(where), gateway(auth, issuer, contract, **where) as one:
            await eventually(lambda: one.revocations.hears, "the topic is read without a gap")
            broker.kill()
            await eventually(lambda: not one.revocations.hears, "the gap was noticed")
            # While the broker is away this end is told by nobody but auth.
            told.ends("unheard")
            await one.answers(401, "unheard")
            broker.start()
            async with publisher(where) as topic:
                await eventually(lambda: one.revocations.hears, "the topic is read without a gap again")
                await topic.publish(*revocations("heard"))
                await one.answers(401, "heard", "unheard")


async def test_a_gateway_that_hears_goes_on_without_auth(
    auth: Upstream, told: Told, issuer: Issuer, contract: Contract, engines: Engines
) -> None:
    where = hearing(engines)
    async with publisher(where) as topic, gateway(auth, issuer, contract, **where) as one:
        await eventually(lambda: one.revocations.hears, "the topic is read without a gap")
        auth.answer("ListRevokedSessions", AWAY)
        now = time.monotonic()
        deny_list = one.revocations.deny_list
        await eventually(lambda: time.monotonic() - deny_list.age > now, "the list is whole by what is heard")
        await topic.publish(*revocations("ended"))
        await one.answers(401, "ended")
        await one.is_ready()


async def test_before_the_ended_sessions_are_known_no_token_is_taken(
    auth: Upstream, told: Told, issuer: Issuer, contract: Contract
) -> None:
    told.ends("ended")
    auth.answer("ListRevokedSessions", AWAY)
    async with gateway(auth, issuer, contract) as one:
        await one.answers(503, "ended", "alive")
        response = await one.client.get("/readyz")
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert response.json()["detail"] in ("which sessions ended is not known", "the signing keys are not known yet")
        login = {"email": "ada@example.com", "password": "x"}
        assert (await one.client.post("/api/v1/auth/login", json=login)).status_code == 200
        auth.answer("ListRevokedSessions", told)
        await one.answers(401, "ended")
        await one.is_ready()
        assert await one.status("alive") == 200


async def test_without_kafka_and_auth_it_serves_for_as_long_as_its_patience_lasts(
    auth: Upstream, told: Told, issuer: Issuer, contract: Contract
) -> None:
    told.ends("ended")
    async with gateway(auth, issuer, contract, deny_list_patience=15) as one:
        await one.is_ready()
        auth.answer("ListRevokedSessions", AWAY)
        assert [await one.status("ended"), await one.status("alive")] == [401, 200]
        await one.is_not_ready()
        assert [await one.status("ended"), await one.status("alive")] == [401, 503]
        auth.answer("ListRevokedSessions", told)
        await one.is_ready()
        assert [await one.status("ended"), await one.status("alive")] == [401, 200]


async def test_its_metrics_tell_how_the_list_is_fed(
    auth: Upstream, told: Told, issuer: Issuer, contract: Contract, engines: Engines
) -> None:
    told.ends("ended")
    where = hearing(engines)
    async with publisher(where), gateway(auth, issuer, contract, **where) as one:

        def whole() -> bool:
            # The other gateways of this process set the same gauges: look often, which /metrics is too slow for.
            heard, sessions = _value(metrics.deny_list_heard), _value(metrics.deny_list_sessions)
            return (heard, sessions) == (1, 1) and _value(metrics.deny_list_age) < 60

        await eventually(whole, "fed by Kafka, with one session")
        assert "primetrade_deny_list_heard" in (await one.client.get("/metrics")).text


def _value(gauge: Gauge) -> float:
    (family,) = gauge.collect()
    return float(family.samples[0].value)
