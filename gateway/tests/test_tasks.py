"""Tasks through REST: what the service is asked, and what the client gets."""

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.tasks.v1 import tasks_pb2

from chassis.errors import Invalid, VersionMismatch, Violation
from gateway.tests.upstream import AT_TEXT, TASK, TASK_ID, Upstream

TASKS = "/api/v1/tasks"
ONE = f"{TASKS}/{TASK_ID}"
WHOLE = {
    "id": TASK_ID,
    "title": "Write the annual report",
    "description": "Numbers first.",
    "status": "in-progress",
    "priority": "high",
    "dueDate": AT_TEXT,
    "createdAt": AT_TEXT,
    "updatedAt": AT_TEXT,
    "completedAt": None,
}


async def test_a_created_task_comes_back_whole_with_where_it_is(client: httpx.AsyncClient, upstream: Upstream) -> None:
    body = {"title": "  Write  ", "description": "a\r\nb\tc", "status": "completed", "priority": "low"}
    response = await client.post(TASKS, json={**body, "dueDate": "2030-01-31T18:30:00.25+01:30"})
    assert response.status_code == 201
    assert response.json() == WHOLE
    assert response.headers["location"] == ONE
    assert response.headers["etag"] == '"3"'
    task = upstream.last("CreateTask").request.task
    assert task == tasks_pb2.Task(
        title="Write",
        description="a\nb\tc",
        status=tasks_pb2.TASK_STATUS_COMPLETED,
        priority=tasks_pb2.TASK_PRIORITY_LOW,
        due_time=Timestamp(seconds=1_896_109_200, nanos=250_000_000),
    )


async def test_a_task_needs_a_title_only(client: httpx.AsyncClient, upstream: Upstream) -> None:
    for body in ({"title": "x"}, {"title": "x", "description": None, "dueDate": None}):
        assert (await client.post(TASKS, json=body)).status_code == 201
        task = upstream.last("CreateTask").request.task
        assert (task.description, task.HasField("due_time")) == ("", False)
        assert (task.status, task.priority) == (tasks_pb2.TASK_STATUS_PENDING, tasks_pb2.TASK_PRIORITY_MEDIUM)


async def test_a_plain_list_asks_for_the_latest_twenty(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.get(TASKS)
    assert response.json() == {"tasks": [WHOLE], "page": 1, "totalPages": 3, "total": 41, "nextPageToken": "next"}
    assert upstream.last("ListTasks").request == tasks_pb2.ListTasksRequest(page_size=20, order_by="create_time desc")


async def test_a_list_can_be_paged_sorted_filtered_and_cut(client: httpx.AsyncClient, upstream: Upstream) -> None:
    query = "page=3&limit=10&sort=dueDate&status=in-progress&priority=high&fields=title,dueDate"
    response = await client.get(f"{TASKS}?{query}")
    assert response.json()["tasks"] == [{"id": TASK_ID, "title": WHOLE["title"], "dueDate": AT_TEXT}]
    assert (response.json()["page"], response.json()["totalPages"]) == (3, 5)
    asked = upstream.last("ListTasks").request
    assert (asked.skip, asked.page_size, asked.order_by) == (20, 10, "due_time")
    assert (asked.status, asked.priority) == (tasks_pb2.TASK_STATUS_IN_PROGRESS, tasks_pb2.TASK_PRIORITY_HIGH)
    assert list(asked.read_mask.paths) == ["due_time", "title"]


async def test_a_page_by_token_has_no_number(client: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.answer("ListTasks", tasks_pb2.ListTasksResponse(total_size=0))
    response = await client.get(f"{TASKS}?pageToken=abc")
    assert response.json() == {"tasks": [], "page": None, "totalPages": 0, "total": 0, "nextPageToken": None}
    assert (upstream.last("ListTasks").request.page_token, upstream.last("ListTasks").request.skip) == ("abc", 0)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("createdAt", "create_time"),
        ("-updatedAt", "update_time desc"),
        ("-priority", "priority desc"),
        ("title", "title"),
    ],
)
async def test_sorts_are_named_as_the_fields_are(
    sort: str, order: str, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    await client.get(f"{TASKS}?sort={sort}")
    assert upstream.last("ListTasks").request.order_by == order


async def test_absent_null_and_value_are_three_things(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.patch(ONE, json={"title": "Better", "dueDate": None})
    assert response.json() == WHOLE
    asked = upstream.last("UpdateTask").request
    assert list(asked.update_mask.paths) == ["due_time", "title"]
    assert (asked.task.id, asked.task.title, asked.task.HasField("due_time")) == (TASK_ID, "Better", False)
    await client.patch(ONE, json={"description": None, "status": "pending", "priority": "low"})
    asked = upstream.last("UpdateTask").request
    assert list(asked.update_mask.paths) == ["description", "priority", "status"]
    assert (asked.task.description, asked.task.priority) == ("", tasks_pb2.TASK_PRIORITY_LOW)


async def test_an_empty_patch_changes_nothing(client: httpx.AsyncClient, upstream: Upstream) -> None:
    assert (await client.patch(ONE, json={})).json() == WHOLE
    assert not upstream.received["UpdateTask"]
    assert (await client.patch(ONE, json={}, headers={"if-match": '"3"'})).status_code == 200
    assert (await client.patch(ONE, json={}, headers={"if-match": '"2"'})).status_code == 412


@pytest.mark.parametrize("given", ['"2"', "*", 'W/"2"', '""', None])
async def test_if_match_goes_along_as_the_etag(
    given: str | None, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    headers = {} if given is None else {"if-match": given}
    status = 412 if given in ('W/"2"', '""') else 200
    assert (await client.patch(ONE, json={"title": "x"}, headers=headers)).status_code == status
    assert (await client.post(f"{ONE}/complete", headers=headers)).status_code == status
    assert (await client.delete(ONE, headers=headers)).status_code == (412 if status == 412 else 204)
    if status == 200:
        etag = "2" if given == '"2"' else ""
        assert upstream.last("UpdateTask").request.task.etag == etag
        assert upstream.last("CompleteTask").request == tasks_pb2.CompleteTaskRequest(id=TASK_ID, etag=etag)
        assert upstream.last("DeleteTask").request == tasks_pb2.DeleteTaskRequest(id=TASK_ID, etag=etag)
    else:
        assert not upstream.received


async def test_a_changed_task_is_412(client: httpx.AsyncClient, upstream: Upstream) -> None:
    upstream.answer("UpdateTask", VersionMismatch("task", TASK_ID, "4"))
    response = await client.patch(ONE, json={"title": "x"}, headers={"if-match": '"3"'})
    assert (response.status_code, response.json()["code"]) == (412, "version-mismatch")


@pytest.mark.parametrize("given", ['"3"', 'W/"3"', '"1", "3"', "*"])
async def test_what_the_client_has_is_not_sent_again(given: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.get(ONE, headers={"if-none-match": given})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", '"3"')


async def test_what_the_client_has_may_stand_in_several_lines(client: httpx.AsyncClient, upstream: Upstream) -> None:
    headers = [("if-none-match", '"1"'), ("if-none-match", '"3"')]
    assert (await client.get(ONE, headers=headers)).status_code == 304


@pytest.mark.parametrize("given", ['"2"', "3", '"1", "2"', "nonsense", ""])
async def test_what_the_client_has_not_is_sent(given: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    assert (await client.get(ONE, headers={"if-none-match": given})).json() == WHOLE


async def test_if_none_match_does_not_touch_writes(client: httpx.AsyncClient, upstream: Upstream) -> None:
    assert (await client.patch(ONE, json={"title": "x"}, headers={"if-none-match": '"3"'})).status_code == 200


async def test_an_id_may_be_written_in_capitals(client: httpx.AsyncClient, upstream: Upstream) -> None:
    assert (await client.get(f"{TASKS}/{TASK_ID.upper()}")).status_code == 200
    assert upstream.last("GetTask").request.id == TASK_ID


async def test_completing_and_deleting(client: httpx.AsyncClient, upstream: Upstream) -> None:
    done = tasks_pb2.Task()
    done.CopyFrom(TASK)
    done.status = tasks_pb2.TASK_STATUS_COMPLETED
    done.complete_time.CopyFrom(TASK.create_time)
    done.ClearField("due_time")
    upstream.answer("CompleteTask", done)
    response = await client.post(f"{ONE}/complete")
    assert response.json() == {**WHOLE, "status": "completed", "completedAt": AT_TEXT, "dueDate": None}
    assert (await client.delete(ONE)).status_code == 204


async def test_what_the_service_finds_wrong_looks_like_what_the_gateway_does(
    client: httpx.AsyncClient, upstream: Upstream
) -> None:
    found = [
        Violation("task.due_time", "must be in the years 1970 to 9998"),
        Violation("skip", "must be at most 10000"),
    ]
    upstream.answer("CreateTask", Invalid(found))
    response = await client.post(TASKS, json={"title": "x", "dueDate": "1815-12-10T00:00:00Z"})
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"field": "dueDate", "message": "must be in the years 1970 to 9998"},
        {"field": "page", "message": "must be at most 10000"},
    ]
