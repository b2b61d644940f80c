"""The live stream: own events and no others, in order, and nothing lost when a client comes back elsewhere."""

import asyncio
import base64
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from h2.errors import ErrorCodes
from hyperframe.frame import RstStreamFrame, WindowUpdateFrame
from primetrade.notify.v1 import events_pb2 as notify_events
from primetrade.tasks.v1 import events_pb2 as tasks_events

from chassis.testing.engines import Broker, Engines
from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from chassis.testing.issuer import Issuer
from chassis.testing.measured import measured
from gateway.app import ROUTES
from gateway.openapi.document import document
from gateway.schemas.events import KINDS
from gateway.streaming.cursor import Place, encoded
from gateway.tests.callers import StoppedClock
from gateway.tests.conftest import checked
from gateway.tests.contract import Contract
from gateway.tests.frames import asking, meeting
from gateway.tests.streams import PATH, Gateway, Told, Topics, event_of, gateway, hearing, reading, task_of, topics
from gateway.tests.upstream import AT_TEXT, ENDED_SESSION, NOTIFICATION, PERSON_ID, Upstream

QUICK: dict[str, Any] = {"event_stream_heartbeat": 0.05}


@pytest.fixture(scope="module")
async def published(engines: Engines) -> AsyncIterator[Topics]:
    async with topics(hearing(engines)) as published:
        yield published


@pytest.fixture(scope="module")
async def where(published: Topics) -> dict[str, Any]:
    """Settings of a gateway that hears what is published."""
    return published.where


@pytest.fixture(scope="module")
async def one(services: Upstream, where: dict[str, Any], published: Topics) -> AsyncIterator[Gateway]:
    async with gateway(services.target, where) as one:
        yield one


@pytest.fixture(scope="module")
async def other(services: Upstream, where: dict[str, Any], published: Topics) -> AsyncIterator[Gateway]:
    """Another gateway, where a silent stream is sent an id all the time."""
    async with gateway(services.target, where, **QUICK) as other:
        yield other


@pytest.fixture
def owner() -> str:
    """Somebody to whom nothing has happened yet."""
    return str(uuid4())


async def test_a_person_is_told_what_rest_tells(one: Gateway, published: Topics, issuer: Issuer, owner: str) -> None:
    contract = Contract(document(ROUTES))
    async with reading(one.origin, issuer.token(owner)) as reader:
        task_id = await published.created(owner, "Write")
        task = task_of(owner, "Write more", id=task_id)
        await published.told(tasks_events.TaskUpdated(task=task), task_id, 2)
        await published.told(tasks_events.TaskCompleted(task=task), task_id, 3)
        await published.told(tasks_events.TaskDeleted(task_id=task_id, owner_id=owner), task_id, 4)
        told = await reader.take(4)
        assert [each.name for each in told] == ["task-created", "task-updated", "task-completed", "task-deleted"]
        assert [each.data["sequence"] for each in told] == [1, 2, 3, 4]
        assert told[0].data["task"] == {
            "id": task_id, "title": "Write", "description": "Numbers first.", "status": "in-progress",
            "priority": "high", "dueDate": AT_TEXT, "createdAt": AT_TEXT, "updatedAt": AT_TEXT, "completedAt": None,
        }  # fmt: skip
        assert told[3].data["taskId"] == task_id
        await published.notified(owner, "Done")
        changed = notify_events.NotificationUpdated(notification=NOTIFICATION)
        changed.notification.owner_id = owner
        await published.notifications.publish(event_of(changed, NOTIFICATION.id, 2))
        told += await reader.take(2)
        assert [each.name for each in told[4:]] == ["notification-created", "notification-updated"]
        for each in told:
            contract.validate({"$ref": f"#/components/schemas/{KINDS[each.name].__name__}"}, each.data)
        response = reader.response.headers
        assert response["content-type"].startswith("text/event-stream")
        assert (response["cache-control"], response["x-accel-buffering"]) == ("no-store", "no")
        assert "content-encoding" not in response


async def test_nobody_is_told_of_others(one: Gateway, published: Topics, issuer: Issuer, owner: str) -> None:
    async with reading(one.origin, issuer.token(owner)) as hers, reading(one.origin, issuer.token("eve")) as eves:
        await published.created(owner, "hers")
        await published.notified("eve", "Eve's")
        await published.created("nobody", "nobody's")
        await published.created(owner, "hers too", partition=1)
        await published.created("eve", "Eve's too")
        assert {told.what for told in await hers.take(2)} == {"hers", "hers too"}
        assert {told.what for told in await eves.take(2)} == {"Eve's", "Eve's too"}


async def test_what_cannot_be_read_is_passed_over(one: Gateway, published: Topics, issuer: Issuer, owner: str) -> None:
    async with reading(one.origin, issuer.token(owner)) as reader:
        await published.tasks.write(b"no-event", b"\x00", [])
        await published.tasks.write(b"tombstone", None, [])
        strange = task_of(owner, "of a later version")
        strange.priority = 77  # type: ignore[assignment]
        await published.told(tasks_events.TaskCreated(task=strange), strange.id)
        broken = event_of(tasks_events.TaskCreated(task=task_of(owner, "broken")), "broken")
        await published.tasks.write(broken.key, b"\xff\xff", broken.headers())
        await published.created(owner, "after")
        await reader.says("after")


async def test_every_stream_of_a_person_is_told_at_every_gateway(
    one: Gateway, other: Gateway, published: Topics, issuer: Issuer, owner: str
) -> None:
    token = issuer.token(owner)
    async with (
        reading(one.origin, token) as first,
        reading(one.origin, token) as second,
        reading(other.origin, token) as third,
    ):
        await published.created(owner, "told")
        (here,), (too,), (there,) = [await reader.says("told") for reader in (first, second, third)]
        assert here == too
        assert here.data == there.data


async def test_a_client_that_comes_back_elsewhere_misses_nothing(
    one: Gateway, other: Gateway, published: Topics, issuer: Issuer, owner: str
) -> None:
    token, origins = issuer.token(owner), (one.origin, other.origin)
    titles: list[str] = []
    told: list[Told] = []
    task_id, last_id = str(uuid4()), ""
    for turn in range(6):
        async with reading(origins[turn % 2], token, last_id) as reader:
            expected = len(titles) - len(told)
            told += await reader.take(expected)
            for number in range(3):
                titles.append(f"{turn}.{number}")
                await published.updated(owner, task_id, titles[-1], len(titles), partition=1)
                await published.created("else", "noise", partition=number % 2)
            told += await reader.take(2)
            last_id = told[-1].id
        titles.append(f"{turn} away")
        await published.updated(owner, task_id, titles[-1], len(titles), partition=1)
    assert [each.what for each in told] == titles[: len(told)]
    assert [each.data["sequence"] for each in told] == list(range(1, len(told) + 1))


async def test_any_id_that_came_is_good_at_a_gateway_that_was_started_later(
    one: Gateway, published: Topics, issuer: Issuer, owner: str, services: Upstream, where: dict[str, Any]
) -> None:
    token = issuer.token(owner)
    async with reading(one.origin, token) as reader:
        first = reader.last_id
        for number in range(4):
            await published.created(owner, str(number), partition=number % 2)
        told = await reader.take(4)
    async with gateway(services.target, where) as later:
        for index, last_id in enumerate([first, *(each.id for each in told)]):
            async with reading(later.origin, token, last_id) as reader:
                again = await reader.take(4 - index)
                assert sorted(each.what for each in again) == sorted(each.what for each in told[index:])
                await published.created(owner, "now")
                await reader.says("now")


async def test_a_silent_stream_is_sent_ids_that_are_good(
    one: Gateway, other: Gateway, published: Topics, issuer: Issuer, owner: str
) -> None:
    token = issuer.token(owner)
    async with reading(other.origin, token) as reader:
        began = reader.last_id
        await published.created("else", "noise")

        async def newer() -> bool:
            await reader.begun()
            return reader.last_id != began

        await eventually(newer, "an id after what happened to somebody else")
        last_id = reader.last_id
    await published.created(owner, "missed")
    async with reading(one.origin, token, last_id) as reader:
        await reader.says("missed")


async def test_an_id_ahead_of_the_gateway_is_waited_for_until_it_is_known_to_be_none(
    one: Gateway, issuer: Issuer, owner: str, published: Topics
) -> None:
    async with reading(one.origin, issuer.token(owner)) as reader:
        ahead = [Place(place.position + 5, place.mark) for place in one.streams._window.cursor]
    async with reading(one.origin, issuer.token(owner), encoded(ahead)) as reader:
        await reader.says("gone")
        await published.created(owner, "after")
        await reader.says("after")


@pytest.mark.parametrize("foreign", ["another log", "other partitions"])
async def test_an_id_of_another_log_begins_anew(
    one: Gateway, issuer: Issuer, owner: str, published: Topics, foreign: str
) -> None:
    async with reading(one.origin, issuer.token(owner)) as reader:
        await published.created(owner, "before")
        await reader.says("before")
        cursor = list(one.streams._window.cursor)
        cursors = {
            "another log": [Place(place.position, place.mark ^ 1) for place in cursor],
            "other partitions": [*cursor, cursor[0]],
        }
    async with reading(one.origin, issuer.token(owner), encoded(cursors[foreign])) as reader:
        (reset,) = await reader.says("gone")
        assert reset.name == "reset"
        await published.created(owner, "after")
        (after,) = await reader.says("after")
    async with reading(one.origin, issuer.token(owner), reset.id) as reader:
        assert await reader.says("after") == [after]


async def test_an_id_that_is_too_old_begins_anew(
    services: Upstream, where: dict[str, Any], published: Topics, issuer: Issuer, owner: str
) -> None:
    async with gateway(services.target, where, event_stream_seconds=0.2) as hasty:
        async with reading(hasty.origin, issuer.token(owner)) as reader:
            old = reader.last_id
            await published.created(owner, "soon forgotten")
            await reader.says("soon forgotten")
            last_id = reader.last_id
        await eventually(lambda: not len(hasty.streams._window), "everything was forgotten")
        async with reading(hasty.origin, issuer.token(owner), old) as reader:
            await reader.says("gone")
        # What is old is no loss to a client to whom nothing happened since.
        async with reading(hasty.origin, issuer.token(owner), last_id) as reader:
            await published.created(owner, "new")
            await reader.says("new")


async def test_the_window_has_a_bound_in_bytes(
    services: Upstream, where: dict[str, Any], published: Topics, issuer: Issuer, owner: str
) -> None:
    async with gateway(services.target, where, event_stream_window_bytes=10_000) as small:
        async with reading(small.origin, issuer.token(owner)) as reader:
            old = reader.last_id
            for number in range(30):
                await published.created(owner, str(number))
            told = await reader.take(30)
        assert 0 < len(small.streams._window) < 20
        async with reading(small.origin, issuer.token(owner), old) as reader:
            await reader.says("gone")
        async with reading(small.origin, issuer.token(owner), told[-3].id) as reader:
            await reader.says("28", "29")


_MALFORMED = {
    "empty": "", "too short": "AQ", "no base64": "AQ=!", "another version": "AgUAAA", "cut": "AQUA",
    "a number without end": base64.urlsafe_b64encode(b"\x01" + b"\xff" * 11).decode(),
    "a longer form": base64.urlsafe_b64encode(b"\x01\x80\x00\x00\x00").decode().rstrip("="), "padded": "AQUAAA==",
    "too long": "A" * 2049,
}  # fmt: skip


@pytest.mark.parametrize("last_id", _MALFORMED.values(), ids=_MALFORMED)
async def test_a_malformed_id_is_refused(one: Gateway, issuer: Issuer, last_id: str) -> None:
    await _refused(one, [("last-event-id", last_id)], issuer.token(PERSON_ID))


async def test_two_ids_are_refused(one: Gateway, issuer: Issuer) -> None:
    last_id = encoded(one.streams._window.cursor)
    await _refused(one, [("last-event-id", last_id), ("last-event-id", last_id)], issuer.token(PERSON_ID))


async def _refused(one: Gateway, headers: list[tuple[str, str]], token: str) -> None:
    async with checked(one.origin, Contract(document(ROUTES)), token) as client:
        answer = await client.get(PATH, headers=[("authorization", f"Bearer {token}"), *headers])
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["Last-Event-ID"]


async def test_a_stream_ends_with_its_session(one: Gateway, issuer: Issuer, owner: str, published: Topics) -> None:
    session = str(uuid4())
    mine, another = issuer.token(owner, sid=session), issuer.token(owner)
    async with reading(one.origin, mine) as ending, reading(one.origin, another) as going_on:
        ended = measured("primetrade_event_streams_ended_total", reason="session-ended") or 0
        one.streams._deny_list.add(session, time.time())
        (end,) = await ending.says("session-ended")
        assert end.name == "end"
        assert await ending.next() is None
        await published.created(owner, "going on")
        await going_on.says("going on")
        assert measured("primetrade_event_streams_ended_total", reason="session-ended") == ended + 1


async def test_a_stream_ends_with_its_token(
    services: Upstream, where: dict[str, Any], issuer: Issuer, owner: str
) -> None:
    clock = StoppedClock()
    expires = int(clock.now().timestamp()) + 900
    async with (
        gateway(services.target, where, clock) as one,
        reading(one.origin, issuer.token(owner, exp=expires)) as ending,
        reading(one.origin, issuer.token(owner, exp=expires + 1)) as going_on,
    ):
        clock.move(seconds=900)
        await ending.says("token-expired")
        assert await ending.next() is None
        clock.move(seconds=1)
        await going_on.says("token-expired")


async def test_a_slow_client_is_cut_and_no_other(
    services: Upstream, where: dict[str, Any], published: Topics, issuer: Issuer, owner: str
) -> None:
    async with gateway(services.target, where, event_stream_queue_bytes=300_000) as one:
        cut = measured("primetrade_event_streams_ended_total", reason="slow") or 0
        async with reading(one.origin, issuer.token(owner)) as reader, deaf(one.origin, issuer.token(owner)):
            while (measured("primetrade_event_streams_ended_total", reason="slow") or 0) == cut:
                some = [published.created(owner, "x", description="x" * 60_000) for _ in range(4)]
                await asyncio.gather(*some)
                await reader.says(*["x"] * len(some))
            await eventually(lambda: len(one.streams) == 1, "the slow one has left")
            await published.created(owner, "going on")
            await reader.says("going on")


async def test_http_2_carries_streams_beside_each_other_and_cuts_the_slow_one_alone(
    services: Upstream, where: dict[str, Any], published: Topics, issuer: Issuer, owner: str
) -> None:
    limits: dict[str, Any] = {"event_stream_queue_bytes": 300_000, "send_timeout": 600}
    async with gateway(services.target, where, gateway_h2c=True, **limits) as one, meeting(one.origin) as peer:
        fields = asking(PATH, token=issuer.token(owner))
        for stream in (1, 3):
            peer.ask(stream, fields)
            await peer.until(lambda stream=stream: b"\nid: " in b"\n" + peer.answers[stream].body)
        peer.send(WindowUpdateFrame(0, 2**30), WindowUpdateFrame(1, 2**30))
        slow, told = peer.answers[3], 0
        while slow.reset is None:
            await asyncio.gather(*[published.created(owner, "x", description="x" * 60_000) for _ in range(4)])
            told += 4
            await peer.until(lambda told=told: peer.answers[1].body.count(b"event: task-created") == told)
        assert slow.reset == ErrorCodes.CANCEL
        assert len(slow.body) <= 65_535
        await eventually(lambda: len(one.streams) == 1, "the slow one has left")
        peer.send(RstStreamFrame(1, ErrorCodes.CANCEL))
        await eventually(lambda: not len(one.streams), "the other has left")
        peer.ask(5, asking())
        assert (await peer.answer(5)).status == 200


@asynccontextmanager
async def deaf(origin: str, token: str) -> AsyncIterator[None]:
    """A client that opens a stream and never reads it."""
    host, port = origin.removeprefix("http://").split(":")
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        own.connect((host, int(port)))
        own.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        yield


async def test_who_leaves_is_gone(one: Gateway, issuer: Issuer, owner: str) -> None:
    await eventually(lambda: not len(one.streams), "the streams of the tests before are over")
    async with reading(one.origin, issuer.token(owner)):
        assert len(one.streams) == 1
    await eventually(lambda: not len(one.streams), "the stream is closed")


async def test_a_person_and_a_process_have_so_many_streams_and_no_more(
    services: Upstream, where: dict[str, Any], issuer: Issuer, contract: Contract
) -> None:
    limits: dict[str, Any] = {"event_stream_limit": 3, "event_stream_limit_per_person": 2}
    async with gateway(services.target, where, **limits) as one, checked(one.origin, contract) as client:
        ada, eve = issuer.token("ada"), issuer.token("eve")

        async def status(token: str) -> tuple[int, str]:
            answer = await client.get(PATH, headers={"authorization": f"Bearer {token}"})
            return answer.status_code, answer.headers["retry-after"]

        async with reading(one.origin, ada), reading(one.origin, ada):
            assert await status(ada) == (429, "10")
            async with reading(one.origin, eve):
                assert await status(eve) == (503, "10")
            await eventually(lambda: len(one.streams) == 2, "there is room again")
            async with reading(one.origin, eve):
                pass
        assert (await client.get("/readyz")).status_code == 200


async def test_streams_take_no_place_among_the_requests(
    services: Upstream, where: dict[str, Any], issuer: Issuer, owner: str
) -> None:
    token = issuer.token(owner)
    async with gateway(services.target, where, max_in_flight=1, **QUICK) as one, reading(one.origin, token):
        async with http_client(one.origin) as client:
            answer = await client.get("/api/v1/tasks", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200


async def test_streams_outlive_a_request_and_are_timed_until_they_begin(
    services: Upstream, where: dict[str, Any], issuer: Issuer, owner: str
) -> None:
    limit = 5  # seconds, in which a stream can begin on however busy a machine
    labels = {"method": "GET", "route": PATH, "status": "200"}
    async with gateway(services.target, where, request_timeout=limit, **QUICK) as one:
        before = measured("primetrade_http_request_duration_seconds_sum", **labels) or 0
        began = time.monotonic()
        async with reading(one.origin, issuer.token(owner)) as reader:
            opened = time.monotonic()
            while time.monotonic() < opened + limit + 0.2:
                await reader.begun()
        await eventually(lambda: len(one.streams) == 0, "the stream is closed")
        lasted = time.monotonic() - began
        timed = (measured("primetrade_http_request_duration_seconds_sum", **labels) or 0) - before
        assert timed < lasted - limit


async def test_head_does_not_wait_for_an_end(one: Gateway, issuer: Issuer, contract: Contract) -> None:
    async with checked(one.origin, contract, issuer.token(PERSON_ID)) as client:
        await eventually(lambda: not len(one.streams), "the streams of the tests before are over")
        answer = await client.head(PATH)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert len(one.streams) == 0


async def test_every_documented_answer_is_given(
    services: Upstream, where: dict[str, Any], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = Contract(document(ROUTES))
    async with gateway(services.target, where, event_stream_limit_per_person=1) as one:
        token = issuer.token(PERSON_ID)
        async with checked(one.origin, contract, token) as client:
            asked: list[tuple[int, str, dict[str, Any]]] = [
                (400, "?colour=%FF", {}),
                (401, "", {"headers": {"authorization": f"Bearer {issuer.token(PERSON_ID, sid=ENDED_SESSION)}"}}),
                (413, "", {"content": b"x" * 1_048_577}),
                (422, "?colour=red", {}),
                (431, "", {"headers": {"x-filler": "y" * 65_536}}),
            ]
            for status, query, options in asked:
                assert (await client.request("GET", PATH + query, **options)).status_code == status
            assert (await client.get(PATH)).status_code == 200
            await eventually(lambda: len(one.streams) == 0, "the stream is closed")
            async with reading(one.origin, token):
                assert (await client.get(PATH)).status_code == 429
            await eventually(lambda: len(one.streams) == 0, "the stream is closed")
            monkeypatch.setattr(one.streams, "open", None)
            assert (await client.get(PATH)).status_code == 500
            monkeypatch.undo()
            one.streams._closed = True
            assert (await client.get(PATH)).status_code == 503
    documented = {int(status) for status in contract.document["paths"][PATH]["get"]["responses"]}
    # 408 is in test_openapi.py.
    assert {status for name, status in contract.seen if name == "streamEvents"} == documented - {408}


async def test_a_gateway_that_stops_ends_its_streams_at_once(
    services: Upstream, where: dict[str, Any], issuer: Issuer, owner: str, published: Topics, other: Gateway
) -> None:
    token = issuer.token(owner)
    async with http_client() as client:
        async with gateway(services.target, where, drain_timeout=60) as one:
            sent = client.build_request("GET", one.origin + PATH, headers={"authorization": f"Bearer {token}"})
            response = await client.send(sent, stream=True)
            lines = response.aiter_lines()
            async for line in lines:
                if line.startswith("id: "):
                    last_id = line.removeprefix("id: ")
                    break
            began = time.monotonic()
        assert time.monotonic() - began < 30
        rest = [line async for line in lines]
        assert 'data: {"reason":"shutdown"}' in rest
    await published.created(owner, "meanwhile")
    async with reading(other.origin, token, last_id) as reader:
        await reader.says("meanwhile")


async def test_while_kafka_is_away_a_stream_says_nothing_and_then_goes_on(
    services: Upstream, issuer: Issuer, owner: str, tmp_path: Path
) -> None:
    with Broker(tmp_path) as broker:
        where = hearing(broker.engines())
        async with (
            topics(where) as published,
            gateway(services.target, where, **QUICK) as one,
            reading(one.origin, issuer.token(owner)) as reader,
        ):
            await published.created(owner, "before")
            await reader.says("before")
            broker.pause()
            await reader.begun()  # it goes on living
            broker.resume()
            await published.created(owner, "after")
            await reader.says("after")


async def test_a_broker_that_lost_its_log_resets_every_stream(
    services: Upstream, issuer: Issuer, owner: str, tmp_path: Path
) -> None:
    token = issuer.token(owner)
    with Broker(tmp_path) as broker:
        where = hearing(broker.engines())
        async with gateway(services.target, where, reads=False) as one:
            async with topics(where) as published, reading(one.origin, token, begun=False) as reader:
                # There was no topic when it was opened.
                await reader.says("late")
                for number in range(3):
                    await published.created(owner, str(number))
                (_, _, last) = await reader.says("0", "1", "2")
                broker.kill()
                shutil.rmtree(tmp_path / "kafka", ignore_errors=True)
                broker.start()
            async with topics(where) as published, reading(one.origin, token, last.id) as reader:
                (reset,) = await reader.take(1)
                assert reset.data["reason"] in ("gone", "lost")
                await published.created(owner, "after")
                await reader.says("after")
