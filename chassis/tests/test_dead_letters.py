"""What an operator can do with a service's dead letters, through its gRPC, beside its running consumer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from primetrade.events.v1 import dead_letters_pb2 as pb
from primetrade.tasks.v1 import events_pb2, tasks_pb2

from chassis.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from chassis.events.deadletters.api import DESCRIPTOR
from chassis.events.deadletters.letter import LetterId
from chassis.events.deadletters.memory import Redriven
from chassis.events.deadletters.reading import Reader
from chassis.events.envelope import Event
from chassis.rpc.client import Metadata, bearer
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.measured import measured
from chassis.testing.ports import free_port
from chassis.tests.kafka import CREATED, TRACEPARENT, records_of, settings_for, task_event
from chassis.tests.post import SERVICE, Post, opened

HANDLED, SKIPPED = pb.REDRIVE_OUTCOME_HANDLED, pb.REDRIVE_OUTCOME_SKIPPED
SUPERSEDED, FAILED = pb.REDRIVE_OUTCOME_SUPERSEDED, pb.REDRIVE_OUTCOME_FAILED


@pytest.fixture(scope="module")
async def post(engines: Engines) -> AsyncIterator[Post]:
    async with opened(engines) as made:
        yield made


@pytest.fixture
async def own_post(engines: Engines) -> AsyncIterator[Post]:
    """A service of one test alone, its consumer left out: the letters are those that the test writes."""
    async with opened(engines, consuming=False) as made:
        yield made


async def test_a_list_tells_the_story_of_each_letter(post: Post) -> None:
    before = datetime.now(UTC)
    letter = await post.refused(sequence=7)
    where = LetterId.parse(letter.id)
    written = next(record for record in await records_of(post.settings, post.topic) if record.offset == where.offset)

    assert where == LetterId(post.topic, 0, written.offset)
    assert (letter.topic, letter.partition) == (post.publisher.topic, 0)
    assert letter.offset == int(dict(written.headers)["dlq_offset"])
    assert letter.reason == "permanent: Permanent: not yet understood"
    assert (letter.attempts, letter.group) == (1, f"{post.settings.kafka_prefix}.{SERVICE}")
    created = letter.create_time.ToDatetime(UTC)
    assert before - timedelta(seconds=1) < created < datetime.now(UTC) + timedelta(seconds=1)
    assert (letter.event_type, letter.sequence) == (CREATED, 7)
    assert letter.event_id == dict(written.headers)["ce_id"].decode()
    assert not letter.HasField("redrive")
    assert (list(letter.headers), letter.HasField("data"), letter.value) == ([], False, b"")


async def test_one_is_shown_with_its_headers_and_its_event_decoded(post: Post) -> None:
    listed = await post.refused()
    shown = await post.get(listed.id)

    headers = {header.name: header.value for header in shown.headers}
    assert headers["dlq_reason"] == "permanent: Permanent: not yet understood"
    assert headers["traceparent"] == TRACEPARENT
    assert MessageToDict(shown.data) == {"task": {"id": listed.subject, "title": "Task 1"}}
    assert shown.value == b""


async def test_a_redriven_letter_is_handled_remembered_and_published_nowhere(post: Post) -> None:
    letter = await post.refused()
    public = [len(await records_of(post.settings, post.publisher.topic, partition)) for partition in range(2)]
    letters = len(await post.letters())

    redrive = await post.redrive(letter.id)

    assert (redrive.outcome, redrive.reason, redrive.operator) == (HANDLED, "", "operator:ada")
    assert post.projection.applied[letter.subject] == 1
    assert (await post.get(letter.id)).redrive == redrive
    assert letter.id not in [left.id for left in await post.letters(outstanding=True)]
    assert public == [len(await records_of(post.settings, post.publisher.topic, partition)) for partition in range(2)]
    assert letters == len(await post.letters())


async def test_a_redrive_runs_as_the_consumer_would_and_not_as_the_operator(post: Post) -> None:
    letter = await post.refused()
    await post.redrive(letter.id)

    assert post.projection.callers[letter.subject] is None
    assert post.projection.traces[letter.subject].split("-")[1] == TRACEPARENT.split("-")[1]


async def test_a_letter_that_later_events_have_overtaken_is_superseded_and_changes_nothing(post: Post) -> None:
    letter = await post.refused(sequence=1)
    await post.publisher.publish(task_event(letter.subject, 2))
    await eventually(lambda: post.projection.applied.get(letter.subject) == 2, "the later event")

    assert (await post.redrive(letter.id)).outcome == SUPERSEDED
    assert post.projection.applied[letter.subject] == 2
    assert (await post.get(letter.id)).redrive.outcome == SUPERSEDED


async def test_one_that_fails_again_says_why_and_stays_outstanding(post: Post) -> None:
    letter = await post.refused()
    post.projection.refuse(letter.subject)
    redrive = await post.redrive(letter.id)

    assert (redrive.outcome, redrive.reason) == (FAILED, "permanent: Permanent: not yet understood")
    assert letter.id in [left.id for left in await post.letters(outstanding=True)]
    post.projection.understand(letter.subject)
    assert (await post.redrive(letter.id)).outcome == HANDLED


async def test_what_the_handler_needs_is_away_and_nothing_is_remembered(post: Post) -> None:
    async def away(_: Event) -> None:
        raise Unavailable("the database is away")

    letter = await post.refused()
    post.projection.behaviour[letter.subject] = away
    with pytest.raises(Unavailable, match="the database is away"):
        await post.redrive(letter.id)

    assert not (await post.get(letter.id)).HasField("redrive")
    post.projection.understand(letter.subject)
    assert (await post.redrive(letter.id)).outcome == HANDLED


async def test_a_letter_of_a_type_without_a_handler_is_skipped(post: Post) -> None:
    (id,) = await post.write(task_event("dream", type="primetrade.tasks.v2.TaskDreamt"))
    assert (await post.redrive(id)).outcome == SKIPPED


async def test_a_letter_that_is_no_event_is_shown_as_it_is_and_fails_as_it_did(post: Post) -> None:
    offset = await post.publisher.write(b"no-event", b"\x00\xffraw", [("odd", b"\xfe\x00")])

    async def found() -> list[pb.DeadLetter]:
        return [one for one in await post.letters() if one.offset == offset and one.reason.startswith("undecodable")]

    (letter,) = await eventually(found, "the letter")
    assert (letter.event_type, letter.subject, letter.sequence) == ("", "", 0)
    shown = await post.get(letter.id)
    assert (shown.value, shown.HasField("data")) == (b"\x00\xffraw", False)
    assert {header.name: header.value for header in shown.headers}["odd"] == "\\xfe\x00"
    redrive = await post.redrive(letter.id)
    assert (redrive.outcome, redrive.reason[:25]) == (FAILED, "undecodable: Undecodable:")


async def test_a_letter_whose_values_json_has_no_form_for_is_shown_raw(post: Post) -> None:
    task = tasks_pb2.Task(id="late")
    task.due_time.seconds = 10**15
    data = events_pb2.TaskCreated(task=task).SerializeToString()
    (id,) = await post.write(task_event("late", data=data))

    shown = await post.get(id)
    assert (shown.value, shown.HasField("data")) == (data, False)


async def test_a_huge_letter_and_one_with_odd_headers_are_shown_within_bounds(post: Post) -> None:
    title = "long " * 500_000
    data = events_pb2.TaskCreated(task=tasks_pb2.Task(id="huge", title=title)).SerializeToString()
    reason, attempts, place = b"r" * 9_000, b"9" * 30, (("dlq_offset", b"-1"), ("dlq_partition", b"\xd9\xa1"))
    odd = (("dlq_reason", reason), ("dlq_attempts", attempts), *place)
    (id,) = await post.write(task_event("huge", data=data), headers=odd)

    shown = await post.get(id)
    assert (len(shown.value), shown.HasField("data")) == (64 * 1024, False)
    assert (len(shown.reason), shown.attempts, shown.offset, shown.partition) == (1_000, 2**31 - 1, 0, 0)
    assert shown.ByteSize() < 200_000


async def test_all_redrives_only_what_is_left_in_order_and_page_by_page(own_post: Post) -> None:
    post, order = own_post, []

    async def noted(event: Event) -> None:
        order.append(event.subject)

    async def refused(event: Event) -> None:
        raise ValueError("never")

    ids = await post.write(*(task_event(f"all-{number}") for number in range(5)))
    post.projection.behaviour |= {f"all-{number}": noted for number in range(5)} | {"all-3": refused}
    assert (await post.redrive(ids[1])).outcome == HANDLED
    order.clear()

    done = await post.redrive_all(page_size=2)

    assert [(letter.subject, letter.redrive.outcome) for letter in done] == [
        ("all-0", HANDLED), ("all-2", HANDLED), ("all-3", FAILED), ("all-4", HANDLED)
    ]  # fmt: skip
    assert done[2].redrive.reason == "error: ValueError: never"
    assert order == ["all-0", "all-2", "all-4"]
    post.projection.behaviour["all-3"] = noted
    assert [letter.subject for letter in await post.redrive_all()] == ["all-3"]
    assert await post.redrive_all() == []
    counted = {"topic": post.topic, "outcome": "handled"}
    assert measured("primetrade_consumer_redriven_total", **counted) == 5


async def test_redriving_all_again_at_once_and_beside_the_consumer_has_one_effect(post: Post) -> None:
    events = [task_event(f"twice-{number}", sequence) for number in range(4) for sequence in (1, 2, 3)]
    ids = await post.write(*events)

    await asyncio.gather(*(post.redrive_all() for _ in range(3)), post.publisher.publish(*events))

    await eventually(
        lambda: all(post.projection.attempts[f"twice-{number}"] >= 6 for number in range(4)), "all came both ways"
    )
    assert {post.projection.applied[f"twice-{number}"] for number in range(4)} == {3}
    assert not set(ids) & {letter.id for letter in await post.letters(outstanding=True)}


async def test_a_list_comes_in_pages_and_can_leave_out_what_is_done(own_post: Post) -> None:
    post = own_post
    ids = await post.write(*(task_event(f"page-{number}") for number in range(7)))
    assert [letter.id for letter in await post.letters(page_size=3)] == ids
    assert [letter.id for letter in await post.letters(page_size=7)] == ids

    await post.redrive(ids[0])
    await post.redrive(ids[5])
    assert [letter.id for letter in await post.letters(outstanding=True, page_size=2)] == [*ids[1:5], ids[6]]
    named = pb.ListDeadLettersRequest(topic=post.publisher.topic)
    assert len((await post.stub.ListDeadLetters(named, metadata=post.operator)).dead_letters) == 7


async def test_purged_letters_are_gone_and_new_ones_are_shown(own_post: Post) -> None:
    post = own_post
    ids = await post.write(*(task_event(f"purge-{number}") for number in range(5)))

    counted = await post.purge(before_offset=3)
    assert (counted.purge_count, counted.low_offset) == (3, 0)
    assert len(await post.letters()) == 5

    purged = await post.purge(before_offset=3, force=True)
    assert (purged.purge_count, purged.low_offset) == (3, 3)
    assert [letter.id for letter in await post.letters()] == ids[3:]
    with pytest.raises(NotFound):
        await post.get(ids[2])
    with pytest.raises(NotFound):
        await post.redrive(ids[2])
    assert (await post.purge(before_offset=2, force=True)).purge_count == 0

    everything = await post.purge(topic=post.publisher.topic, force=True)
    assert (everything.purge_count, everything.low_offset) == (2, 5)
    assert await post.letters() == []
    assert (await post.purge(force=True)).purge_count == 0

    (new,) = await post.write(task_event("after-the-purge"))
    assert [letter.id for letter in await post.letters()] == [new]
    # Where a broker cannot delete records, they are hidden; where it can, they are gone.
    assert (len(await records_of(post.settings, post.topic)) == 6) == everything.hidden


async def test_a_purge_beyond_the_end_spares_what_comes_later(own_post: Post) -> None:
    post = own_post
    await post.write(task_event("first"), task_event("second"))
    assert (await post.purge(before_offset=2**62, force=True)).purge_count == 2
    (later,) = await post.write(task_event("third"))
    assert [letter.id for letter in await post.letters()] == [later]


async def test_another_letter_at_the_place_of_a_redriven_one_is_outstanding(post: Post) -> None:
    letter = await post.refused()
    async with Reader.connected(post.settings) as reader:
        record = await reader.letter(LetterId.parse(letter.id))
    await post.memory.remember(record, Redriven("handled", "", datetime.now(UTC), "operator:ada"))

    assert list(await post.memory.redriven([record])) == [record.offset]
    assert await post.memory.redriven([replace(record, timestamp=record.timestamp + 1)]) == {}


async def test_without_a_broker_every_method_says_so(engines: Engines) -> None:
    settings = settings_for(engines, kafka_bootstrap_servers=f"127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="Kafka did not answer"):
        async with Reader.connected(settings):
            pass


def requests(topic: str) -> dict[str, Any]:
    return {
        "ListDeadLetters": pb.ListDeadLettersRequest(),
        "GetDeadLetter": pb.GetDeadLetterRequest(id=f"{topic}:0:0"),
        "RedriveDeadLetter": pb.RedriveDeadLetterRequest(id=f"{topic}:0:0"),
        "RedriveDeadLetters": pb.RedriveDeadLettersRequest(),
        "PurgeDeadLetters": pb.PurgeDeadLettersRequest(topic=topic, force=True),
    }


@pytest.mark.parametrize("method", [method.name for method in DESCRIPTOR.methods])
async def test_only_an_operator_may(post: Post, method: str) -> None:
    async def call(metadata: Metadata) -> object:
        return await getattr(post.stub, method)(requests(post.topic)[method], metadata=metadata)

    with pytest.raises(Unauthenticated):
        await call(())
    with pytest.raises(Unauthenticated):
        await call(bearer("no.token.atall"))
    for roles in (["user"], ["service"], []):
        with pytest.raises(Forbidden, match="operator"):
            await call(bearer(post.issuer.token("eve", roles=roles)))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ListDeadLettersRequest(page_size=-1), "page_size"),
        (pb.ListDeadLettersRequest(page_token="x"), "page_token"),
        (pb.ListDeadLettersRequest(page_token="other.tasks.v1.users.dlq:0:0"), "page_token"),
        (pb.RedriveDeadLettersRequest(page_size=-(2**31)), "page_size"),
        (pb.RedriveDeadLettersRequest(page_token="a.dlq:0:99999999999999999999"), "page_token"),
        (pb.GetDeadLetterRequest(), "id"),
        (pb.GetDeadLetterRequest(id="17"), "id"),
        (pb.GetDeadLetterRequest(id="a.dlq:0:-1"), "id"),
        (pb.GetDeadLetterRequest(id="a.dlq:0:1\n"), "id"),
        (pb.GetDeadLetterRequest(id="a.dlq:0:\u0661"), "id"),
        (pb.RedriveDeadLetterRequest(), "id"),
        (pb.RedriveDeadLetterRequest(id="a.dlq:zero:1"), "id"),
        (pb.RedriveDeadLetterRequest(id="x" * 100_000), "id"),
        (pb.PurgeDeadLettersRequest(), "topic"),
        (pb.PurgeDeadLettersRequest(topic="x", before_offset=-1), "before_offset"),
    ],
)
async def test_what_cannot_be_meant_is_invalid_and_named(post: Post, request_: Any, field: str) -> None:
    method = type(request_).__name__.removesuffix("Request")
    with pytest.raises(Invalid) as refused:
        await getattr(post.stub, method)(request_, metadata=post.operator)
    assert [violation.field for violation in refused.value.violations] == [field]


@pytest.mark.parametrize(
    "request_",
    [
        pb.ListDeadLettersRequest(topic="primetrade.tasks.v1"),
        pb.RedriveDeadLettersRequest(topic="x" * 100_000),
        pb.PurgeDeadLettersRequest(topic="../etc", force=True),
        pb.GetDeadLetterRequest(id="primetrade.tasks.v1.users.dlq:0:0"),
        pb.RedriveDeadLetterRequest(id="primetrade.tasks.v1.users.dlq:0:0"),
    ],
)
async def test_what_is_not_of_this_service_is_not_found(post: Post, request_: Any) -> None:
    method = type(request_).__name__.removesuffix("Request")
    with pytest.raises(NotFound):
        await getattr(post.stub, method)(request_, metadata=post.operator)


@pytest.mark.parametrize("place", ["0:999999", "1:0", "999999999:0"])
async def test_a_place_without_a_letter_is_not_found(post: Post, place: str) -> None:
    with pytest.raises(NotFound):
        await post.get(f"{post.topic}:{place}")


async def test_it_is_served_with_reflection_and_health(post: Post) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    async with grpc.aio.insecure_channel(post.target) as channel:
        check = health_pb2.HealthCheckRequest(service=DESCRIPTOR.full_name)
        answer = await health_pb2_grpc.HealthStub(channel).Check(check)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
