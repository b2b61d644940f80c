"""A person reads their inbox through gRPC, and nobody else does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from primetrade.notify.v1 import events_pb2, notify_pb2

from chassis.errors import Forbidden, Invalid, NotFound, Unauthenticated, VersionMismatch
from chassis.mongo import Mongo
from chassis.rpc.client import bearer
from chassis.testing.engines import Engines
from chassis.testing.issuer import Issuer
from services.notify.domain.inbox import Cursor
from services.notify.tests.house import House, Task, opened, settings_for

UNKNOWN = "2f0f6c8e-4f5b-4a38-9d4f-0d3f6f0d9c55"
TOKEN = Cursor(datetime(2026, 1, 1, tzinfo=UTC), UUID(UNKNOWN)).token


async def filled(house: House, count: int) -> UUID:
    """A person with so many completed tasks in the inbox."""
    owner = uuid4()
    await house.publish(*(Task(owner, title=f"Task {number}").completed() for number in range(count)))
    await house.arrived(owner, count)
    return owner


async def walked(house: House, owner: UUID, size: int) -> list[str]:
    """All ids, page by page."""
    ids: list[str] = []
    token = ""
    while True:
        page = await house.page(owner, page_size=size, page_token=token)
        ids += [entry.id for entry in page.notifications]
        token = page.next_page_token
        if not token:
            return ids
        assert len(page.notifications) == size


async def test_an_empty_inbox(house: House) -> None:
    page = await house.page(uuid4())
    assert (list(page.notifications), page.next_page_token, page.unread_size) == ([], "", 0)


@pytest.mark.parametrize("size", [1, 2, 5, 7, 100])
async def test_pages_are_latest_first_without_gap_or_double(house: House, size: int) -> None:
    owner = await filled(house, 10)
    ids = await walked(house, owner, size)
    everything = await house.inbox(owner)
    assert ids == [entry.id for entry in everything]
    assert len(set(ids)) == 10
    times = [entry.create_time.ToDatetime() for entry in everything]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
async def test_entries_of_one_moment_are_paged_like_others(house: House, size: int) -> None:
    owner = await filled(house, 9)
    entries = await house.inbox(owner)
    # Three moments of three entries each.
    collection = house.process.component(Mongo).collection("notifications")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number, entry in enumerate(entries):
        moment = start + timedelta(milliseconds=number % 3)
        await collection.update_one({"_id": UUID(entry.id)}, {"$set": {"created_at": moment}})
    ids = await walked(house, owner, size)
    assert sorted(ids) == sorted(entry.id for entry in entries)
    assert ids == [entry.id for entry in await house.inbox(owner)]


async def test_what_arrives_between_two_pages_moves_nothing(house: House) -> None:
    owner = await filled(house, 4)
    before = [entry.id for entry in await house.inbox(owner)]
    first = await house.page(owner, page_size=2)
    await house.publish(Task(owner).completed())
    await house.arrived(owner, 5)
    second = await house.page(owner, page_size=2, page_token=first.next_page_token)
    assert [entry.id for entry in [*first.notifications, *second.notifications]] == before
    assert second.next_page_token == ""


async def test_a_page_has_twenty_entries_unless_asked_otherwise(house: House) -> None:
    owner = await filled(house, 21)
    page = await house.page(owner)
    assert len(page.notifications) == 20
    assert page.unread_size == 21
    assert len((await house.page(owner, page_size=100)).notifications) == 21


async def test_reading_an_entry(house: House) -> None:
    owner = await filled(house, 2)
    entry, other = await house.inbox(owner)
    read = await house.mark(owner, entry.id)
    assert read.read
    assert read.HasField("read_time")
    assert read.etag != entry.etag
    page = await house.page(owner)
    assert page.unread_size == 1
    assert page.notifications[0] == read
    assert page.notifications[1] == other
    created, updated = await house.published(entry.id, 2)
    message = updated.message()
    assert isinstance(message, events_pb2.NotificationUpdated)
    assert message.notification == read
    assert list(message.changed.paths) == ["read", "read_time"]
    assert (created.sequence, updated.sequence, updated.actor) == (1, 2, str(owner))


async def test_an_entry_can_be_unread_again(house: House) -> None:
    owner = await filled(house, 1)
    [entry] = await house.inbox(owner)
    await house.mark(owner, entry.id)
    unread = await house.mark(owner, entry.id, read=False)
    assert not unread.read
    assert not unread.HasField("read_time")
    assert (await house.page(owner)).unread_size == 1


async def test_reading_twice_changes_and_publishes_nothing_more(house: House) -> None:
    owner = await filled(house, 1)
    [entry] = await house.inbox(owner)
    assert await house.mark(owner, entry.id, read=False) == entry
    read = await house.mark(owner, entry.id)
    assert await house.mark(owner, entry.id) == read
    await house.mark(owner, entry.id, read=False)
    assert [event.sequence for event in await house.published(entry.id, 3)] == [1, 2, 3]


async def test_an_etag_must_be_the_current_one(house: House) -> None:
    owner = await filled(house, 1)
    [entry] = await house.inbox(owner)
    read = await house.mark(owner, entry.id, etag=entry.etag)
    with pytest.raises(VersionMismatch) as raised:
        await house.mark(owner, entry.id, read=False, etag=entry.etag)
    assert raised.value.current == read.etag
    assert not (await house.mark(owner, entry.id, read=False, etag=read.etag)).read


async def test_an_inbox_is_its_owners_alone(house: House) -> None:
    owner, stranger = await filled(house, 3), uuid4()
    first = await house.page(owner, page_size=1)
    assert await house.inbox(stranger) == []
    assert not (await house.page(stranger, page_token=first.next_page_token)).notifications
    with pytest.raises(NotFound):
        await house.mark(stranger, first.notifications[0].id)
    assert (await house.page(owner)).unread_size == 3


@pytest.mark.parametrize("id", [UNKNOWN, "no-uuid", "x" * 100_000, "é\x00", UNKNOWN.replace("-", "")])
async def test_an_unknown_id_is_not_found(house: House, id: str) -> None:
    with pytest.raises(NotFound) as raised:
        await house.mark(uuid4(), id)
    assert raised.value.resource == "notification"


@pytest.mark.parametrize(
    ("request_fields", "fields"),
    [
        ({"page_size": -1}, ["page_size"]),
        ({"page_size": 101}, ["page_size"]),
        ({"page_size": 2**31 - 1}, ["page_size"]),
        ({"page_token": "nonsense"}, ["page_token"]),
        ({"page_token": "é"}, ["page_token"]),
        ({"page_token": TOKEN[:-4]}, ["page_token"]),
        ({"page_token": TOKEN + "AAAA"}, ["page_token"]),
        ({"page_token": TOKEN + "\n"}, ["page_token"]),
        ({"page_token": "_" * 32}, ["page_token"]),
        ({"page_token": "A" * 100_000}, ["page_token"]),
        ({"page_size": -5, "page_token": "?"}, ["page_size", "page_token"]),
    ],
)
async def test_bad_pages_name_every_wrong_field(
    house: House, request_fields: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(Invalid) as raised:
        await house.page(uuid4(), **request_fields)
    assert [violation.field for violation in raised.value.violations] == fields


@pytest.mark.parametrize(
    ("id", "mask", "fields"),
    [
        ("", ("read",), ["notification.id"]),
        (UNKNOWN, (), ["update_mask"]),
        (UNKNOWN, ("title",), ["update_mask"]),
        (UNKNOWN, ("*",), ["update_mask"]),
        (UNKNOWN, ("read", "body", "owner_id", "body"), ["update_mask"]),
        (UNKNOWN, tuple(f"field_{number}" for number in range(100)), ["update_mask"]),
        ("", (), ["notification.id", "update_mask"]),
    ],
)
async def test_bad_updates_name_every_wrong_field(
    house: House, id: str, mask: tuple[str, ...], fields: list[str]
) -> None:
    with pytest.raises(Invalid) as raised:
        await house.mark(uuid4(), id, mask=mask)
    assert [violation.field for violation in raised.value.violations] == fields


@pytest.mark.parametrize("method", ["ListNotifications", "UpdateNotification"])
async def test_every_method_needs_a_person(house: House, issuer: Issuer, method: str) -> None:
    requests = {
        "ListNotifications": notify_pb2.ListNotificationsRequest(),
        "UpdateNotification": notify_pb2.UpdateNotificationRequest(
            notification=notify_pb2.Notification(id=str(uuid4()), read=True), update_mask=FieldMask(paths=["read"])
        ),
    }
    call = getattr(house.stub, method)
    with pytest.raises(Unauthenticated):
        await call(requests[method])
    with pytest.raises(Unauthenticated):
        await call(requests[method], metadata=bearer(issuer.token(str(uuid4()), exp=1)))
    with pytest.raises(Forbidden):
        await call(requests[method], metadata=bearer(issuer.service_token()))


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_the_inbox_works_with_both_drivers(engines: Engines, issuer: Issuer, driver: str) -> None:
    settings = settings_for(engines, issuer, mongo_driver=driver)
    async with opened(settings, issuer) as other:
        owner = await filled(other, 3)
        ids = await walked(other, owner, 2)
        await other.mark(owner, ids[0])
        assert (await other.page(owner)).unread_size == 2
