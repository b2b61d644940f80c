"""Input that breaks rules is refused, each field by name, all of them at once; and nothing is stored."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.tasks.v1 import tasks_pb2

from chassis.errors import Invalid, NotFound
from services.tasks.tests.wire import Person, timestamp

BAD_FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("title", {"title": ""}),
    ("title", {"title": " \t\n\u3000 "}),
    ("title", {"title": "x" * 201}),
    ("title", {"title": "🦊" * 201}),
    ("title", {"title": "x" * 1_000_000}),
    ("title", {"title": "two\nlines"}),
    ("title", {"title": "tab\there"}),
    ("title", {"title": "\u200b\u2060"}),
    ("title", {"title": "null\0"}),
    ("title", {"title": "delete\x7f"}),
    ("title", {"title": "next line\x85 of C1"}),
    ("description", {"description": "x" * 10_001}),
    ("description", {"description": "null\0"}),
    ("description", {"description": "bell\a"}),
    ("description", {"description": "escape\x1b[31m"}),
    ("description", {"description": "vertical\vtab"}),
    ("description", {"description": "form\ffeed"}),
    ("description", {"description": "c1\x9b control"}),
    ("status", {"status": 4}),
    ("status", {"status": -1}),
    ("priority", {"priority": 99}),
    ("priority", {"priority": -(2**31)}),
    ("due_time", {"due_time": timestamp("1969-12-31T23:59:59Z")}),
    ("due_time", {"due_time": timestamp("9999-01-01T00:00:00Z")}),
    ("due_time", {"due_time": Timestamp(seconds=2**62)}),
    ("due_time", {"due_time": Timestamp(seconds=-(2**62))}),
    ("due_time", {"due_time": Timestamp(nanos=-1)}),
    ("due_time", {"due_time": Timestamp(nanos=1_000_000_000)}),
]
GOOD_FIELDS: list[dict[str, Any]] = [
    {"title": "x"},
    {"title": "  " + "x" * 200 + "  "},
    {"title": "🦊" * 200},
    {"title": "$where: {a.b} \\ ' \" <script>"},
    {"description": "x" * 10_000},
    {"description": "a\n\tb"},
    {"due_time": Timestamp(seconds=0)},
    {"due_time": timestamp("9998-12-31T23:59:59.999Z")},
]


def violated(refused: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [violation.field for violation in refused.value.violations]


@pytest.mark.parametrize(("field", "fields"), BAD_FIELDS)
async def test_a_bad_field_is_refused(ada: Person, field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        await ada.create(**fields)
    assert violated(refused) == [field]
    assert (await ada.list()).total_size == 0

    task = await ada.create()
    with pytest.raises(Invalid) as refused:
        await ada.update(task.id, mask=[field], **fields)
    assert violated(refused) == [field]
    assert await ada.get(task.id) == task


@pytest.mark.parametrize("fields", GOOD_FIELDS)
async def test_the_last_good_value_of_each_field_is_taken(ada: Person, fields: dict[str, Any]) -> None:
    task = await ada.create(**fields)
    for name, value in fields.items():
        expected = value.strip() if isinstance(value, str) else value
        assert getattr(await ada.get(task.id), name) == expected


async def test_all_violations_are_named_at_once(ada: Person) -> None:
    bad: dict[str, Any] = {"title": "", "description": "\0", "status": 9, "priority": 9}
    bad["due_time"] = Timestamp(seconds=2**60)
    with pytest.raises(Invalid) as refused:
        await ada.create(**bad)
    assert violated(refused) == ["title", "description", "status", "priority", "due_time"]
    with pytest.raises(Invalid) as refused:
        await ada.create("", key="\0")
    assert violated(refused) == ["request_id", "title"]

    task = await ada.create()
    with pytest.raises(Invalid) as refused:
        await ada.update(task.id, mask=["title", "description", "nonsense", "due_time"], **bad)
    assert violated(refused) == ["update_mask", "title", "description", "due_time"]


@pytest.mark.parametrize("key", ["k" * 256, "tab\there", "new\nline", "nul\0", "del\x7f", "é", "\u200b", "漢"])
async def test_a_request_id_that_is_none_is_refused(ada: Person, key: str) -> None:
    task = await ada.create()
    for attempt in (ada.create(key=key), ada.complete(task.id, key=key)):
        with pytest.raises(Invalid) as refused:
            await attempt
        assert violated(refused) == ["request_id"]
    assert list((await ada.list()).tasks) == [task]


async def test_a_request_without_a_task_lacks_its_title(ada: Person) -> None:
    with pytest.raises(Invalid) as refused:
        await ada.service.stub.CreateTask(tasks_pb2.CreateTaskRequest(), metadata=ada.bearer)
    assert violated(refused) == ["title"]


@pytest.mark.parametrize(
    "mask",
    [[], ["nonsense"], ["title", "Title"], ["*"], [""], ["due_time.seconds"], ["x" * 100_000]]
    + [[name] for name in ("id", "owner_id", "create_time", "update_time", "complete_time", "etag")],
)
async def test_a_mask_may_name_only_what_can_be_changed(ada: Person, mask: list[str]) -> None:
    task = await ada.create()
    with pytest.raises(Invalid) as refused:
        await ada.update(task.id, mask=mask, title="New")
    assert violated(refused) == ["update_mask"]
    assert await ada.get(task.id) == task


@pytest.mark.parametrize(
    "make",
    [
        lambda _: "",
        lambda _: "nonsense",
        lambda _: "../../etc/passwd",
        lambda _: "\0" * 36,
        lambda _: "x" * 1_000_000,
        lambda task_id: task_id[:-1],
        lambda task_id: task_id.replace("-", ""),
        lambda task_id: f"{{{task_id}}}",
        lambda task_id: f"urn:uuid:{task_id}",
        lambda task_id: f" {task_id}",
        lambda _: "00000000-0000-0000-0000-000000000000",
    ],
)
async def test_an_id_that_names_no_task_is_not_found(ada: Person, make: Callable[[str], str]) -> None:
    task_id = make((await ada.create()).id)
    for attempt in (ada.get(task_id), ada.update(task_id, title="New"), ada.complete(task_id), ada.delete(task_id)):
        with pytest.raises(NotFound):
            await attempt


BAD_LISTS: list[tuple[list[str], dict[str, Any]]] = [
    (["page_size"], {"page_size": 101}),
    (["page_size"], {"page_size": -1}),
    (["skip"], {"skip": -1}),
    (["skip"], {"skip": 10_001}),
    (["skip"], {"skip": 1, "page_token": "x"}),
    (["order_by"], {"order_by": "owner_id"}),
    (["order_by"], {"order_by": "title asc"}),
    (["order_by"], {"order_by": "title, create_time"}),
    (["order_by"], {"order_by": "Title"}),
    (["order_by"], {"order_by": "desc"}),
    (["order_by"], {"order_by": "$natural"}),
    (["order_by"], {"order_by": "title desc desc"}),
    (["status"], {"status": 4}),
    (["priority"], {"priority": -1}),
    (["read_mask"], {"read_mask": FieldMask(paths=["title", "pending"])}),
    (["read_mask"], {"read_mask": FieldMask(paths=["_id"])}),
    (["read_mask"], {"read_mask": FieldMask(paths=["due_time.seconds"])}),
    (["read_mask"], {"read_mask": FieldMask(paths=["x" * 100_000])}),
    (["page_token"], {"page_token": "garbage"}),
    (["page_token"], {"page_token": "…"}),
    (["page_token"], {"page_token": "AAAA"}),
    (["page_token"], {"page_token": "x" * 1_000_000}),
    (
        ["order_by", "status", "priority", "read_mask", "page_size", "skip"],
        {
            "order_by": "?", "status": 9, "priority": 9, "read_mask": FieldMask(paths=["?"]), "page_size": 999,
            "skip": 99_999, "page_token": "",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "arguments"), BAD_LISTS)
async def test_a_bad_list_argument_is_refused(ada: Person, fields: list[str], arguments: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        await ada.list(**arguments)
    assert violated(refused) == fields
