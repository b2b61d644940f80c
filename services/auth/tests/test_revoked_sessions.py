"""What auth tells of ended sessions, to those who missed their events."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.auth.v1 import auth_pb2

from chassis.errors import Invalid, Unauthenticated
from chassis.testing.engines import Engines
from services.auth.tests.test_refresh import session_of
from services.auth.tests.world import World, running, settings


async def listed(auth: World, **request: object) -> auth_pb2.ListRevokedSessionsResponse:
    response: auth_pb2.ListRevokedSessionsResponse = await auth.stub.ListRevokedSessions(
        auth_pb2.ListRevokedSessionsRequest(**request)  # type: ignore[arg-type]
    )
    return response


async def sessions(auth: World, **request: object) -> list[str]:
    return [session.session_id for session in (await listed(auth, **request)).revoked_sessions]


async def ended(auth: World, email: str = "") -> str:
    """A session that was logged out; its id."""
    tokens = (await (auth.login(email) if email else auth.register())).tokens
    await auth.logout(tokens.refresh_token)
    return session_of(tokens.access_token)


async def test_ended_sessions_are_told_in_their_order_for_as_long_as_a_token_may_live(engines: Engines) -> None:
    async with running(settings(engines)) as auth:
        alive = await auth.register()
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        ends = [await ended(auth, alive.account.email) for _ in range(3)]
        response = await listed(auth)
        assert [session.session_id for session in response.revoked_sessions] == ends
        assert response.retention.ToTimedelta() == timedelta(seconds=900 + 60)
        assert before <= response.revoked_sessions[0].revoke_time.ToDatetime(UTC) <= datetime.now(UTC)
        assert response.next_page_token == ""
        auth.clock.pass_by(seconds=900)
        assert await sessions(auth) == ends
        auth.clock.pass_by(seconds=61)
        assert await sessions(auth) == []


async def test_a_session_that_a_thief_ended_is_told_too(engines: Engines) -> None:
    async with running(settings(engines)) as auth:
        tokens = (await auth.register()).tokens
        await auth.refresh(tokens.refresh_token)
        auth.clock.pass_by(seconds=11)
        with pytest.raises(Unauthenticated):
            await auth.refresh(tokens.refresh_token)
        assert await sessions(auth) == [session_of(tokens.access_token)]


async def test_every_ended_session_is_on_one_page(engines: Engines) -> None:
    async with running(settings(engines)) as auth:
        email = (await auth.register()).account.email
        ends = await asyncio.gather(*(ended(auth, email) for _ in range(7)))
        pages: list[list[str]] = []
        token = ""
        while not pages or token:
            page = await listed(auth, page_size=3, page_token=token)
            pages.append([session.session_id for session in page.revoked_sessions])
            token = page.next_page_token
        assert [len(page) for page in pages] == [3, 3, 1]
        assert sorted(session for page in pages for session in page) == sorted(ends)


async def test_it_is_told_from_a_time_on(engines: Engines) -> None:
    async with running(settings(engines)) as auth:
        end = await ended(auth)
        at = (await listed(auth)).revoked_sessions[0].revoke_time
        assert await sessions(auth, start_time=at) == [end]
        assert await sessions(auth, start_time=Timestamp(seconds=1)) == [end]
        assert await sessions(auth, start_time=Timestamp(seconds=at.seconds + 60)) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("page_size", -1),
        ("page_size", 1_001),
        ("page_token", "x"),
        ("page_token", "é" * 24),
        ("page_token", "AAAA"),
        ("page_token", "A" * 100_000),
        ("start_time", Timestamp(seconds=2**62)),
        ("start_time", Timestamp(seconds=-(2**62))),
        ("start_time", Timestamp(seconds=1, nanos=-5)),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(auth: World, field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        await listed(auth, **{field: value})
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_all_that_is_wrong_is_named_at_once(auth: World) -> None:
    with pytest.raises(Invalid) as refused:
        await listed(auth, page_size=-1, page_token="x", start_time=Timestamp(seconds=2**62))
    assert [violation.field for violation in refused.value.violations] == ["page_size", "page_token", "start_time"]
