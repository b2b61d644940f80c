"""The story of a person, through REST alone; every service and both engines take part."""

import asyncio
import email
import email.policy
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import httpx

from chassis.testing.eventually import eventually
from deploy.local.testing import RunningSuite
from tests.e2e.conftest import Person


async def test_register_login_create_list_complete_inbox(http: httpx.AsyncClient) -> None:
    ada = await Person(http).register()
    login = await ada.login()
    assert login.status_code == 200
    assert login.json()["user"] | {"createdAt": ""} == {
        "id": ada.id, "name": ada.name, "email": ada.email, "createdAt": ""
    }  # fmt: skip
    assert login.json()["expiresIn"] == 900

    me = await ada.call("GET", "/users/me")
    assert (me.status_code, me.json()["id"], me.json()["name"]) == (200, ada.id, ada.name)

    report = await ada.create_task(priority="high", description="with figures\nand a plot")
    milk = await ada.create_task(title="Buy milk", priority="low")
    assert (report["status"], report["priority"], report["dueDate"]) == ("pending", "high", None)

    listed = (await ada.call("GET", "/tasks")).json()
    assert [task["id"] for task in listed["tasks"]] == [milk["id"], report["id"]]
    assert (listed["page"], listed["totalPages"], listed["total"]) == (1, 1, 2)
    urgent = (await ada.call("GET", "/tasks", params={"priority": "high", "fields": "title"})).json()
    assert urgent["tasks"] == [{"id": report["id"], "title": "Write the report"}]

    started = await ada.call("PATCH", f"/tasks/{report['id']}", json={"status": "in-progress"})
    assert (started.status_code, started.json()["status"]) == (200, "in-progress")
    done = await ada.call("POST", f"/tasks/{report['id']}/complete")
    assert (done.status_code, done.json()["status"]) == (200, "completed")
    assert done.json()["completedAt"]
    again = await ada.call("POST", f"/tasks/{report['id']}/complete")
    assert again.json() == done.json()

    assert (await ada.call("DELETE", f"/tasks/{milk['id']}")).status_code == 204
    assert (await ada.call("GET", f"/tasks/{milk['id']}")).status_code == 404

    (welcome,) = await ada.inbox_with("welcome")
    (completed,) = await ada.inbox_with("task-completed")
    assert "Write the report" in completed["title"] + completed["body"]
    assert not welcome["read"]
    read = await ada.call("PATCH", f"/notifications/{welcome['id']}", json={"read": True})
    assert (read.status_code, read.json()["read"]) == (200, True)
    assert (await ada.call("GET", "/notifications")).json()["unread"] == 1


async def test_a_task_due_within_a_day_reaches_the_inbox_once(ada: Person) -> None:
    due = datetime.now(UTC) + timedelta(hours=3)
    task = await ada.create_task(title="Call the bank", dueDate=due.isoformat())
    await ada.create_task(title="Far away", dueDate=(due + timedelta(days=30)).isoformat())
    (entry,) = await ada.inbox_with("task-due-soon")
    assert entry["taskId"] == task["id"]


async def test_the_welcome_mail_arrives_once_with_text_and_html(suite: RunningSuite, http: httpx.AsyncClient) -> None:
    grace = await Person(http, name="Grace <b>Hopper</b>").register()

    def mails() -> list[EmailMessage]:
        files = (suite.data / "mail").glob("*.eml")
        read = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
        return [mail for mail in read if grace.email in str(mail["To"])]

    (mail,) = await eventually(mails, "the welcome mail")
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Grace <b>Hopper</b>" in text.get_content()
    assert "&lt;b&gt;" in html.get_content()
    assert "<b>Hopper" not in html.get_content()


async def test_a_new_name_reaches_the_login(ada: Person) -> None:
    renamed = await ada.call("PATCH", "/users/me", json={"name": "Countess Lovelace"})
    assert renamed.json()["name"] == "Countess Lovelace"

    async def name_at_login() -> bool:
        return bool((await ada.login()).json()["user"]["name"] == "Countess Lovelace")

    await eventually(name_at_login, "the new name at login")


async def test_paging_by_cursor_and_by_number_see_the_same(ada: Person) -> None:
    made = await asyncio.gather(*(ada.create_task(title=f"Task {number % 3}") for number in range(25)))
    for sort in ("title", "-title", "createdAt", "-createdAt", "dueDate", "-priority"):
        numbered = [
            task["id"]
            for page in (1, 2, 3)
            for task in (
                await ada.call("GET", "/tasks", params={"sort": sort, "limit": 10, "page": page})
            ).json()["tasks"]
        ]  # fmt: skip
        followed: list[str] = []
        token: str | None = None
        while True:
            params = {"sort": sort, "limit": "10"} | ({"pageToken": token} if token else {})
            page = (await ada.call("GET", "/tasks", params=params)).json()
            followed += [task["id"] for task in page["tasks"]]
            if not (token := page["nextPageToken"]):
                break
        assert followed == numbered
        assert sorted(followed) == sorted(task["id"] for task in made)


async def test_sessions_rotate_and_end(ada: Person) -> None:
    first = ada.refresh_token
    refreshed = await ada.http.post("/api/v1/auth/refresh", json={"refreshToken": first})
    assert refreshed.status_code == 200
    assert set(refreshed.json()) == {"accessToken", "refreshToken", "expiresIn"}
    ada.keep(refreshed)
    assert (await ada.call("GET", "/users/me")).status_code == 200
    out = await ada.http.post("/api/v1/auth/logout", json={"refreshToken": ada.refresh_token})
    assert out.status_code == 204
    over = await ada.http.post("/api/v1/auth/refresh", json={"refreshToken": ada.refresh_token})
    assert over.status_code == 401


async def test_a_wrong_password_and_an_unknown_address_look_alike(http: httpx.AsyncClient, ada: Person) -> None:
    wrong = await ada.login("not the password")
    unknown = await Person(http).login()
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() | {"traceId": ""} == unknown.json() | {"traceId": ""}
