"""Registration, login, tokens, the profile and the inbox through REST."""

import httpx
import pytest
from primetrade.notify.v1 import notify_pb2
from primetrade.users.v1 import users_pb2

from gateway.tests.upstream import AT, AT_TEXT, NOTIFICATION, NOTIFICATION_ID, PERSON_ID, TASK_ID, Upstream

USER = {"id": PERSON_ID, "name": "Ada", "email": "ada@example.com", "createdAt": AT_TEXT}
TOKENS = {"accessToken": "aaa.bbb.ccc", "refreshToken": "rrr", "expiresIn": 900}
ME = "/api/v1/users/me"
ENTRY = {
    "id": NOTIFICATION_ID,
    "type": "task-completed",
    "title": "Task completed",
    "body": "You completed it.",
    "read": False,
    "createdAt": AT_TEXT,
    "readAt": None,
    "taskId": TASK_ID,
}


async def test_registering_begins_a_session(anonymous: httpx.AsyncClient, upstream: Upstream) -> None:
    body = {"name": " Ada ", "email": " ada@example.com ", "password": "  spaces belong to it  "}
    response = await anonymous.post("/api/v1/auth/register", json=body)
    assert (response.status_code, response.json()) == (201, {"user": USER, **TOKENS})
    assert response.headers["cache-control"] == "no-store"
    asked = upstream.last("Register").request
    assert (asked.name, asked.email, asked.password) == ("Ada", "ada@example.com", "  spaces belong to it  ")


async def test_logging_in_refreshing_and_logging_out(anonymous: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await anonymous.post("/api/v1/auth/login", json={"email": "ada@example.com", "password": "x"})
    assert (response.status_code, response.json()) == (200, {"user": USER, **TOKENS})
    response = await anonymous.post("/api/v1/auth/refresh", json={"refreshToken": "old"})
    assert (response.status_code, response.json()) == (200, TOKENS)
    assert upstream.last("Refresh").request.refresh_token == "old"
    response = await anonymous.post("/api/v1/auth/logout", json={"refreshToken": "old"})
    assert (response.status_code, response.content) == (204, b"")
    assert upstream.last("Logout").request.refresh_token == "old"


async def test_the_profile_is_the_callers(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.get(ME)
    assert response.json() == {**USER, "roles": ["user"], "updatedAt": AT_TEXT}
    assert response.headers["etag"] == '"7"'
    assert response.headers["cache-control"] == "private, no-cache"
    assert upstream.last("GetProfile").request.id == "me"
    assert (await client.get(ME, headers={"if-none-match": '"7"'})).status_code == 304


async def test_the_name_can_change(client: httpx.AsyncClient, upstream: Upstream) -> None:
    assert (await client.patch(ME, json={"name": "Ada King"}, headers={"if-match": '"7"'})).status_code == 200
    asked = upstream.last("UpdateProfile").request
    assert asked.profile == users_pb2.Profile(id="me", name="Ada King", etag="7")
    assert list(asked.update_mask.paths) == ["name"]


async def test_an_empty_patch_of_the_profile_changes_nothing(client: httpx.AsyncClient, upstream: Upstream) -> None:
    assert (await client.patch(ME, json={})).json()["name"] == "Ada"
    assert (await client.patch(ME, json={}, headers={"if-match": '"6"'})).status_code == 412
    assert not upstream.received["UpdateProfile"]


async def test_the_inbox(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.get("/api/v1/notifications?limit=7&pageToken=p")
    assert response.json() == {"notifications": [ENTRY], "unread": 5, "nextPageToken": None}
    assert upstream.last("ListNotifications").request == notify_pb2.ListNotificationsRequest(
        page_size=7, page_token="p"
    )


async def test_a_notification_about_no_task(client: httpx.AsyncClient, upstream: Upstream) -> None:
    welcome = notify_pb2.Notification(
        id=NOTIFICATION_ID, type=notify_pb2.NOTIFICATION_TYPE_WELCOME, read=True, create_time=AT, read_time=AT
    )
    answer = notify_pb2.ListNotificationsResponse(notifications=[welcome], next_page_token="more")
    upstream.answer("ListNotifications", answer)
    page = (await client.get("/api/v1/notifications")).json()
    (entry,) = page["notifications"]
    assert (entry["type"], entry["taskId"], entry["read"], entry["readAt"]) == ("welcome", None, True, AT_TEXT)
    assert page["nextPageToken"] == "more"


@pytest.mark.parametrize("read", [True, False])
async def test_an_entry_can_be_marked(read: bool, client: httpx.AsyncClient, upstream: Upstream) -> None:
    path = f"/api/v1/notifications/{NOTIFICATION_ID}"
    response = await client.patch(path, json={"read": read}, headers={"if-match": f'"{NOTIFICATION.etag}"'})
    assert (response.status_code, response.json()) == (200, ENTRY)
    asked = upstream.last("UpdateNotification").request
    assert asked.notification == notify_pb2.Notification(id=NOTIFICATION_ID, read=read, etag="1")
    assert list(asked.update_mask.paths) == ["read"]
