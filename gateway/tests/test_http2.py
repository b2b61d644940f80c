"""HTTP/2 keeps what HTTP/1.1 promises: the same answers, the same limits, and no client that costs the others."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from h2.errors import ErrorCodes
from hyperframe.frame import (
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from chassis.testing.measured import measured
from gateway.http2.connection import STREAMS
from gateway.http2.either import PREFACE
from gateway.http2.patience import Patience
from gateway.middleware.security_headers import HEADERS
from gateway.tests.conftest import served
from gateway.tests.contract import Contract
from gateway.tests.frames import Peer, asking, meeting
from gateway.tests.malformed_http2 import (
    BROKEN,
    CALM,
    CANCEL,
    CLOSED,
    FLOODS,
    LOGIN,
    MALFORMED,
    PROTOCOL,
    REFUSED,
    head,
    heads,
    plain,
)
from gateway.tests.raw import answered, opened, rest
from gateway.tests.upstream import TASK, TASK_ID, Held, Upstream

TASK_PATH = f"/api/v1/tasks/{TASK_ID}"
JSON = (b"content-type", b"application/json")
BODY = b'{"email": "a@b.example", "password": "x"}'


@pytest.fixture(scope="module")
async def h2c(services: Upstream) -> AsyncIterator[str]:
    """The URL of a gateway that speaks both."""
    async with served(services.target, gateway_h2c=True) as origin:
        yield origin


def speaking_http2(origin: str, contract: Contract, token: str) -> httpx.AsyncClient:
    headers, hooks = {"authorization": f"Bearer {token}"}, {"response": [contract.check]}
    return http_client(origin, http1=False, http2=True, headers=headers, event_hooks=hooks)


async def test_it_is_the_same_api(h2c: str, contract: Contract, token: str, upstream: Upstream) -> None:
    async with speaking_http2(h2c, contract, token) as client:
        response = await client.get(TASK_PATH)
        assert (response.http_version, response.status_code) == ("HTTP/2", 200)
        assert (await client.get(TASK_PATH, headers={"if-none-match": response.headers["etag"]})).status_code == 304
        assert (await client.head(TASK_PATH)).status_code == 200
        assert (await client.post("/api/v1/tasks", json={"title": "x"})).status_code == 201
        assert (await client.post("/api/v1/tasks", json={"title": ""})).status_code == 422
        assert (await client.post(f"{TASK_PATH}/complete")).status_code == 200
        assert (await client.delete(TASK_PATH)).status_code == 204
        assert (await client.get("/api/v1/tasks/%2e%2e")).status_code == 404
        assert (await client.get("/api/v1/nothing")).status_code == 404
        assert (await client.get("/docs/swagger-ui-bundle.js")).status_code in (200, 404)
        assert len((await client.get("/openapi.json")).content) > 100_000  # more than a window


async def test_more_requests_than_streams_wait_for_their_turn(h2c: str, token: str, upstream: Upstream) -> None:
    own: dict[str, Any] = {"http1": False, "http2": True, "headers": {"authorization": f"Bearer {token}"}}
    async with http_client(h2c, **own) as client:
        many = await asyncio.gather(*(client.get(TASK_PATH) for _ in range(STREAMS + 20)))
        assert {(each.http_version, each.status_code) for each in many} == {("HTTP/2", 200)}
    assert upstream.last("GetTask").metadata["authorization"] == f"Bearer {token}"


async def test_http_1_1_is_spoken_on_the_same_port(
    h2c: str, contract: Contract, token: str, upstream: Upstream
) -> None:
    async with http_client(h2c, headers={"authorization": f"Bearer {token}"}) as client:
        assert (await client.get(TASK_PATH)).http_version == "HTTP/1.1"
    line = b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert (await answered(h2c, line)).startswith(b"HTTP/1.1 204 ")
    assert (await answered(h2c, b"PRINT /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 501 ")
    reader, writer = await opened(h2c)
    writer.write(b"P")
    await writer.drain()
    writer.write(b"OST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await rest(reader)).startswith(b"HTTP/1.1 405 ")
    writer.close()


@pytest.mark.parametrize("end", [b"PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n", b"PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n"])
async def test_what_is_nearly_the_preface_is_no_request(h2c: str, end: bytes) -> None:
    assert (await answered(h2c, end)).startswith(b"HTTP/1.1 400 ")


async def test_the_preface_may_come_in_pieces(h2c: str) -> None:
    reader, writer = await opened(h2c)
    peer = Peer(reader, writer)
    for byte in PREFACE:
        writer.write(bytes([byte]))
        await writer.drain()
    peer.send(SettingsFrame(0))
    peer.ask(1, asking())
    assert (await peer.answer(1)).status == 200
    assert peer.settings[SettingsFrame.MAX_CONCURRENT_STREAMS] == STREAMS
    assert peer.settings[SettingsFrame.MAX_HEADER_LIST_SIZE] == 65_536
    peer.leave()


async def test_there_is_no_way_to_it_from_http_1_1(h2c: str) -> None:
    offer = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    came = await answered(h2c, offer + b"HTTP2-Settings: AAMA\r\n\r\n" + PREFACE)
    assert came.startswith(b"HTTP/1.1 200 ")
    begun = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + PREFACE
    assert b"HTTP/1.1 400 " in await answered(h2c, begun)


@pytest.mark.parametrize("kind", MALFORMED)
async def test_fields_in_doubt_are_a_problem_of_their_stream_alone(kind: str, h2c: str, upstream: Upstream) -> None:
    fields, status = MALFORMED[kind]
    async with meeting(h2c) as peer:
        peer.send(*heads(1, fields))
        answer = await peer.answer(1)
        assert (answer.status, answer.problem["status"]) == (status, status)
        assert {name.decode() for name, _ in HEADERS} | {"x-request-id"} <= answer.headers.keys()
        assert not {"server", "connection"} & answer.headers.keys()
        peer.send(head(3, "END_STREAM", fields=asking()))
        assert (await peer.answer(3)).status == 200
    assert not upstream.received


@pytest.mark.parametrize("kind", BROKEN)
async def test_broken_frames_end_their_connection_and_nothing_else(kind: str, h2c: str, upstream: Upstream) -> None:
    frames, codes = BROKEN[kind]
    async with meeting(h2c) as peer, meeting(h2c) as other:
        peer.send(*frames)
        assert await peer.end() in codes
        other.ask(1, asking())
        assert (await other.answer(1)).status == 200
    assert not upstream.received["GetTask"]


async def test_nothing_more_can_be_said_on_a_stream_that_has_ended(h2c: str, upstream: Upstream) -> None:
    for more in (DataFrame(1, b"x"), head(1, "END_STREAM", fields=asking())):
        async with meeting(h2c) as peer:
            peer.ask(1, asking())
            answer = await peer.answer(1)
            peer.send(more)
            await peer.until(lambda peer=peer, answer=answer: peer.goaways or answer.reset)
            assert {answer.reset, *(each.error_code for each in peer.goaways)} <= {None, CLOSED, PROTOCOL}


@pytest.mark.parametrize("kind", FLOODS)
async def test_who_only_keeps_the_gateway_busy_is_sent_away(kind: str, h2c: str, upstream: Upstream) -> None:
    async with meeting(h2c) as peer, meeting(h2c) as other:
        flood = [frame.serialize() for number in range(1_500) for frame in FLOODS[kind](number)]
        peer.send(*flood)
        assert await peer.end() == CALM
        other.ask(1, asking())
        assert (await other.answer(1)).status == 200


async def test_resets_are_paid_for_though_what_they_reset_was_being_served(
    h2c: str, token: str, upstream: Upstream
) -> None:
    upstream.answer("GetTask", Held(TASK))
    async with meeting(h2c) as peer:
        for number in range(1_000):
            stream = 2 * number + 1
            peer.ask(stream, asking(TASK_PATH, token=token))
            peer.send(PingFrame(0))
            await peer.until(lambda number=number: peer.pongs > number or peer.goaways)
            if peer.goaways:
                break
            peer.send(RstStreamFrame(stream, CANCEL))
        assert await peer.end() == CALM


async def test_a_busy_client_is_not_taken_for_one(h2c: str, token: str, upstream: Upstream) -> None:
    async with meeting(h2c) as peer:
        for stream in range(1, 2 * 350, 2):
            peer.send(PriorityFrame(stream), WindowUpdateFrame(0, 100), PingFrame(0))
            peer.ask(stream, asking())
            assert (await peer.answer(stream)).status == 200


def test_patience_is_spent_earned_and_comes_back_with_time() -> None:
    now = [0.0]
    patience = Patience(lambda: now[0])
    assert all(patience.spend(1) for _ in range(int(Patience.MOST)))
    assert not patience.spend(1)
    patience.earn(6)
    assert patience.spend(5)
    assert not patience.spend(1)
    now[0] += 2 / Patience.A_SECOND
    assert patience.spend(1)
    assert not patience.spend(1)
    now[0] += 1e6
    patience.earn(10_000)
    assert patience.spend(1)
    assert not patience.spend(int(Patience.MOST))


async def test_what_is_reset_takes_a_place_until_it_is_done(h2c: str, token: str, upstream: Upstream) -> None:
    held = Held(TASK)
    upstream.answer("CreateTask", held)
    fields = [*asking("/api/v1/tasks", "POST", token), JSON]
    async with meeting(h2c) as peer:
        streams = range(1, 2 * STREAMS, 2)
        for stream in streams:
            peer.ask(stream, fields, b'{"title": "x"}')
        # What is written is written, whoever leaves.
        await eventually(lambda: len(upstream.received["CreateTask"]) == STREAMS, "all are asked")
        peer.send(*[RstStreamFrame(stream, CANCEL) for stream in streams])
        peer.ask(2 * STREAMS + 1, asking())
        assert (await peer.answer(2 * STREAMS + 1)).reset == REFUSED
        held.go.set()
        await eventually(lambda: _idle(peer, 2 * STREAMS + 3), "there is room again")


async def _idle(peer: Peer, first: int) -> bool:
    """Whether a request is served again, asked on the next free stream."""
    stream = max([first - 2, *peer.answers]) + 2
    peer.ask(stream, asking())
    return (await peer.answer(stream)).status == 200


async def test_who_resets_takes_the_reading_along_and_leaves_the_writing(
    h2c: str, token: str, upstream: Upstream
) -> None:
    reading, writing, before = Held(TASK), Held(TASK), _left()
    upstream.answer("GetTask", reading)
    upstream.answer("CreateTask", writing)
    async with meeting(h2c) as peer:
        peer.ask(1, asking(TASK_PATH, token=token))
        peer.ask(3, [*asking("/api/v1/tasks", "POST", token), JSON], b'{"title": "x"}')
        await reading.asked.wait()
        await writing.asked.wait()
        peer.send(RstStreamFrame(3, CANCEL), RstStreamFrame(1, CANCEL))
        await asyncio.wait_for(reading.cancelled.wait(), 60)
        assert not writing.cancelled.is_set()
        writing.go.set()
        await asyncio.wait_for(writing.given.wait(), 60)
        await eventually(lambda: _left() == before + 1, "the reader is counted")
        upstream.as_usual()
        peer.ask(5, asking(TASK_PATH, token=token))
        assert (await peer.answer(5)).status == 200


@pytest.mark.parametrize("words", [b"", GoAwayFrame(0).serialize()])
async def test_who_leaves_takes_the_reading_of_every_stream_along(
    words: bytes, h2c: str, token: str, upstream: Upstream
) -> None:
    task, tasks = Held(TASK), Held(TASK)
    upstream.answer("GetTask", task)
    upstream.answer("ListTasks", tasks)
    async with meeting(h2c) as peer:
        peer.ask(1, asking(TASK_PATH, token=token))
        peer.ask(3, asking("/api/v1/tasks", token=token))
        await task.asked.wait()
        await tasks.asked.wait()
        peer.send(words)
        peer.leave()
        await asyncio.wait_for(task.cancelled.wait(), 60)
        await asyncio.wait_for(tasks.cancelled.wait(), 60)


async def test_no_stream_inherits_from_another(h2c: str, token: str, upstream: Upstream) -> None:
    async with meeting(h2c) as peer:
        for stream in range(1, 20, 4):
            peer.ask(stream, asking(TASK_PATH, token=token))
            peer.ask(stream + 2, asking(TASK_PATH))
            assert (await peer.answer(stream)).status == 200
            assert (await peer.answer(stream + 2)).problem["status"] == 401


async def test_a_body_without_a_length_is_bounded_too(h2c: str, token: str, upstream: Upstream) -> None:
    async with served(upstream.target, gateway_h2c=True, max_body_bytes=1_000) as narrow, meeting(narrow) as peer:
        peer.send(peer.head(1, [*LOGIN, JSON], "END_HEADERS"))
        peer.send(*[DataFrame(1, b" " * 600)] * 2)
        answer = await peer.answer(1)
        assert answer.problem["status"] == 413
        await peer.until(lambda: answer.reset == ErrorCodes.NO_ERROR)
        peer.send(DataFrame(1, b" " * 600))  # it was on its way
        peer.ask(3, [*LOGIN, JSON], BODY)
        assert (await peer.answer(3)).status == 200


async def test_what_takes_no_body_takes_none(h2c: str, token: str, upstream: Upstream) -> None:
    async with meeting(h2c) as peer:
        peer.ask(1, asking(f"{TASK_PATH}/complete", "POST", token), b"{", b"x")
        assert (await peer.answer(1)).problem["status"] == 400
        peer.ask(3, asking(f"{TASK_PATH}/complete", "POST", token), b"{", b"}", b"")
        assert (await peer.answer(3)).status == 200


async def test_a_body_may_be_long_and_its_window_is_given_back(h2c: str, token: str, upstream: Upstream) -> None:
    text = b'{"title": "x", "description": "' + b"y" * 900_000 + b'"}'
    async with http_client(h2c, http1=False, http2=True) as client:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        for _ in range(3):
            assert (await client.post("/api/v1/tasks", content=text, headers=headers)).status_code == 400


async def test_a_body_that_is_awaited_is_invited(h2c: str, upstream: Upstream) -> None:
    async with meeting(h2c) as peer:
        peer.send(peer.head(1, [*LOGIN, JSON, (b"expect", b"100-continue")], "END_HEADERS"))
        await peer.until(lambda: peer.answers[1].status == 100)
        peer.send(DataFrame(1, BODY, flags=["END_STREAM"]))
        assert (await peer.answer(1)).status == 200


async def test_a_body_that_does_not_come_in_time_is_408(upstream: Upstream) -> None:
    async with served(upstream.target, gateway_h2c=True, request_timeout=0.3) as origin, meeting(origin) as peer:
        peer.send(peer.head(1, [*LOGIN, JSON], "END_HEADERS"), DataFrame(1, b"{"))
        answer = await peer.answer(1)
        assert answer.problem["status"] == 408
        assert "connection" not in answer.headers


@pytest.mark.parametrize("sent", [b"", PREFACE[:10], PREFACE, PREFACE + SettingsFrame(0).serialize()])
async def test_who_never_asks_is_not_waited_for(sent: bytes, upstream: Upstream) -> None:
    async with served(upstream.target, gateway_h2c=True, header_timeout=0.2) as origin:
        await answered(origin, sent)


async def test_a_head_that_does_not_end_is_not_waited_for(upstream: Upstream) -> None:
    async with served(upstream.target, gateway_h2c=True, header_timeout=0.5) as origin, meeting(origin) as peer:
        peer.send(HeadersFrame(1, plain(LOGIN)))
        assert await peer.end() == ErrorCodes.NO_ERROR
        assert peer.goaways[-1].last_stream_id == 0


async def test_pings_do_not_keep_an_idle_connection(upstream: Upstream) -> None:
    async with served(upstream.target, gateway_h2c=True, keep_alive_timeout=1) as origin, meeting(origin) as peer:
        peer.ask(1, asking())
        assert (await peer.answer(1)).status == 200
        ending = asyncio.create_task(peer.end())
        while not ending.done():
            peer.send(PingFrame(0))
            await asyncio.wait({ending}, timeout=0.05)
        assert await ending == ErrorCodes.NO_ERROR
        assert peer.pongs > 1


async def test_who_does_not_read_is_cut_and_no_other(token: str, upstream: Upstream) -> None:
    async with (
        served(upstream.target, gateway_h2c=True, send_timeout=1) as origin,
        meeting(origin, INITIAL_WINDOW_SIZE=0) as peer,
    ):
        peer.ask(1, asking())
        await peer.until(lambda: peer.answers[1].status == 200)
        peer.ask(3, asking())
        peer.send(WindowUpdateFrame(3, 10_000))
        assert (await peer.answer(3)).ended
        assert (await peer.answer(1)).reset == CANCEL
        peer.ask(5, asking())
        peer.send(WindowUpdateFrame(5, 10_000))
        assert (await peer.answer(5)).ended


async def test_an_answer_waits_for_room_and_comes_whole(h2c: str) -> None:
    async with meeting(h2c, INITIAL_WINDOW_SIZE=1) as peer:
        peer.ask(1, asking("/openapi.json"))
        answer = peer.answers[1]
        await peer.until(lambda: len(answer.body) == 1)
        peer.send(SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: 1_000}))
        await peer.until(lambda: len(answer.body) == 1_000)
        peer.send(WindowUpdateFrame(1, 10_000_000), WindowUpdateFrame(0, 10_000_000))
        length = int((await peer.answer(1)).headers["content-length"])
        assert len(answer.body) == length


async def test_a_client_cannot_have_its_own_table_kept(h2c: str) -> None:
    async with meeting(h2c, HEADER_TABLE_SIZE=2**31) as peer:
        peer.decoder.max_allowed_table_size = 2**31
        for stream in range(1, 120, 2):
            peer.ask(stream, asking())
            assert (await peer.answer(stream)).status == 200
        assert peer.decoder.header_table_size == 4_096


def _left() -> float:
    return (
        measured(
            "primetrade_http_request_duration_seconds_count",
            method="GET",
            route="/api/v1/tasks/{task_id}",
            status="499",
        )
        or 0
    )
