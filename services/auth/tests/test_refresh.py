"""Refresh tokens under twins, thieves and time."""

import asyncio
import base64

import jwt
import pytest
from primetrade.auth.v1 import events_pb2

from chassis.errors import Unauthenticated
from chassis.testing.engines import Engines
from services.auth.tests.world import World, running, settings


def session_of(access_token: str) -> str:
    sid: str = jwt.decode(access_token, options={"verify_signature": False})["sid"]
    return sid


async def test_concurrent_twins_get_the_same_successor(auth: World) -> None:
    first = (await auth.register()).tokens.refresh_token
    answers = await asyncio.gather(*(auth.refresh(first) for _ in range(8)))
    assert len({answer.refresh_token for answer in answers}) == 1
    assert (await auth.refresh(answers[0].refresh_token)).access_token


async def test_a_token_used_again_within_the_grace_gets_the_answer_it_got(engines: Engines) -> None:
    async with running(settings(engines, refresh_grace_seconds=100)) as auth:
        first = (await auth.register()).tokens.refresh_token
        successor = (await auth.refresh(first)).refresh_token
        auth.clock.pass_by(seconds=40)
        assert (await auth.refresh(first)).refresh_token == successor


async def test_a_token_used_again_within_its_grace_gets_the_current_one_however_many_came_after(
    engines: Engines,
) -> None:
    async with running(settings(engines, refresh_grace_seconds=100)) as auth:
        first = (await auth.register()).tokens.refresh_token
        second = (await auth.refresh(first)).refresh_token
        auth.clock.pass_by(seconds=40)
        third = (await auth.refresh(second)).refresh_token
        auth.clock.pass_by(seconds=40)
        fourth = (await auth.refresh(third)).refresh_token
        assert [(await auth.refresh(used)).refresh_token for used in (first, second, third)] == [fourth] * 3
        auth.clock.pass_by(seconds=40)
        # The grace of the first is over; that of the second is not, and it goes on from the current one.
        assert (await auth.refresh(second)).refresh_token == fourth
        assert (await auth.refresh(fourth)).access_token
        with pytest.raises(Unauthenticated):
            await auth.refresh(first)
        with pytest.raises(Unauthenticated):
            await auth.refresh(fourth)


async def test_a_token_used_again_after_the_grace_ends_the_session(engines: Engines) -> None:
    async with running(settings(engines)) as auth:
        tokens = (await auth.register()).tokens
        successor = (await auth.refresh(tokens.refresh_token)).refresh_token
        auth.clock.pass_by(seconds=11)
        with pytest.raises(Unauthenticated, match="the refresh token is not valid"):
            await auth.refresh(tokens.refresh_token)
        with pytest.raises(Unauthenticated, match="the refresh token is not valid"):
            await auth.refresh(successor)
        session = session_of(tokens.access_token)
        event, message, headers = await auth.event(events_pb2.SessionRevoked, session)
        assert message.reason == events_pb2.SESSION_REVOCATION_REASON_TOKEN_REUSE
        assert headers["ce_subject"] == message.session_id == session
        assert event.sequence == 1


async def test_a_token_of_any_earlier_generation_is_recognised(engines: Engines) -> None:
    async with running(settings(engines)) as auth:
        oldest = token = (await auth.register()).tokens.refresh_token
        for _ in range(5):
            token = (await auth.refresh(token)).refresh_token
        auth.clock.pass_by(seconds=11)
        with pytest.raises(Unauthenticated):
            await auth.refresh(oldest)
        with pytest.raises(Unauthenticated):
            await auth.refresh(token)


async def test_a_forged_token_does_not_end_the_session_it_names(auth: World) -> None:
    token = (await auth.register()).tokens.refresh_token
    raw = base64.urlsafe_b64decode(token)
    forged = base64.urlsafe_b64encode(raw[:16] + bytes(32)).decode()
    with pytest.raises(Unauthenticated, match="the refresh token is not valid"):
        await auth.refresh(forged)
    await auth.logout(forged)
    assert (await auth.refresh(token)).access_token


async def test_a_session_ends_with_its_time(engines: Engines) -> None:
    async with running(settings(engines, session_days=1)) as auth:
        token = (await auth.register()).tokens.refresh_token
        auth.clock.pass_by(hours=23)
        token = (await auth.refresh(token)).refresh_token
        auth.clock.pass_by(hours=2)
        with pytest.raises(Unauthenticated):
            await auth.refresh(token)
        indexes = await auth.collection("sessions").index_information()
        assert any(index.get("expireAfterSeconds") == 0 for index in indexes.values())


async def test_no_token_is_stored(auth: World) -> None:
    tokens = (await auth.register()).tokens
    tokens = await auth.refresh(tokens.refresh_token)
    stored = repr([document async for document in auth.collection("sessions").find({})])
    secret = base64.urlsafe_b64decode(tokens.refresh_token)[16:]
    assert tokens.refresh_token not in stored
    assert repr(secret)[2:-1] not in stored
