"""What one person does with the suite, step by step; every step checks what came back."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from deploy.local.demo.client import Api, Document, Unexpected
from deploy.local.demo.people import CHANGED, COMPLETED, DELETED, DUE_SOON, TASKS, NewTask, Person

INBOX_SECONDS = 30.0
PAGE = 20
EXPECTED = {"welcome": 1, "task-completed": COMPLETED, "task-due-soon": DUE_SOON}
"""The notifications that a person's inbox must hold at the end, by type."""


@dataclass(slots=True)
class Counts:
    """What one person did and got."""

    created: int = 0
    listed: int = 0
    completed: int = 0
    changed: int = 0
    deleted: int = 0
    notifications: Counter[str] = field(default_factory=Counter)


class Story:
    """One person's day. Every step raises Unexpected when the suite does not do as it promises."""

    def __init__(self, api: Api, person: Person) -> None:
        self.person, self.counts = person, Counts()
        self._api = api
        self._tasks: list[Document] = []

    async def register(self) -> None:
        """A new account, then a login with its password."""
        person = {"name": self.person.name, "email": self.person.email, "password": self.person.password}
        made = await self._api.post("/auth/register", person)
        credentials = {"email": self.person.email, "password": self.person.password}
        session = await self._api.post("/auth/login", credentials, status=200)
        _same("user after login", session["user"]["id"], made["user"]["id"])
        self._api = self._api.signed_in(session["accessToken"])
        _same("own name", (await self._api.get("/users/me"))["name"], self.person.name)

    async def create(self, tasks: list[NewTask]) -> None:
        """All tasks, several at a time."""
        self._tasks = list(await asyncio.gather(*(self._api.post("/tasks", task.body()) for task in tasks)))
        self.counts.created = len({task["id"] for task in self._tasks})

    async def list(self) -> None:
        """Page by page, by cursor, and by filter: each finds what was created."""
        ids: set[str] = set()
        first = await self._page(1)
        for number in range(1, first["totalPages"] + 1):
            ids |= {task["id"] for task in (await self._page(number))["tasks"]}
        _same("tasks over all pages", ids, {task["id"] for task in self._tasks})
        cursor = {task["id"] async for task in self._api.pages("/tasks", {"limit": PAGE}, "tasks")}
        _same("tasks by cursor", cursor, ids)
        urgent = await self._api.get("/tasks", {"priority": "high", "status": "pending", "limit": 100})
        _same("urgent tasks", urgent["total"], sum(task["priority"] == "high" for task in self._tasks))
        self.counts.listed = len(ids)

    async def work(self) -> None:
        """Some tasks are completed, some started, some deleted; the list shows it."""
        done = self._tasks[-COMPLETED:]
        started = self._tasks[DUE_SOON : DUE_SOON + CHANGED]
        dropped = self._tasks[DUE_SOON + CHANGED : DUE_SOON + CHANGED + DELETED]
        answers = await asyncio.gather(
            *(self._api.post(f"/tasks/{task['id']}/complete", status=200) for task in done),
            *(self._api.patch(f"/tasks/{task['id']}", {"status": "in-progress"}) for task in started),
        )
        states = Counter(answer["status"] for answer in answers)
        await asyncio.gather(*(self._api.delete(f"/tasks/{task['id']}") for task in dropped))
        await self._api.send("GET", f"/tasks/{dropped[0]['id']}", 404)
        self.counts.completed, self.counts.changed = states["completed"], states["in-progress"]
        self.counts.deleted = len(dropped)
        _same("tasks left", (await self._page(1))["total"], TASKS - DELETED)
        completed = await self._api.get("/tasks", {"status": "completed"})
        _same("completed tasks", completed["total"], COMPLETED)

    async def read_inbox(self) -> None:
        """Waits until every notification that Kafka carried has arrived, then marks one as read."""
        deadline = time.monotonic() + INBOX_SECONDS
        while True:
            inbox = [entry async for entry in self._api.pages("/notifications", {"limit": 100}, "notifications")]
            self.counts.notifications = Counter(str(entry["type"]) for entry in inbox)
            if self.counts.notifications >= Counter(EXPECTED):
                break
            if time.monotonic() > deadline:
                raise Unexpected(
                    f"the inbox of {self.person.name} holds {dict(self.counts.notifications)} "
                    f"after {INBOX_SECONDS:.0f} s instead of {EXPECTED}"
                )
            await asyncio.sleep(0.25)
        _same("notifications", self.counts.notifications, Counter(EXPECTED))
        await self._api.patch(f"/notifications/{inbox[0]['id']}", {"read": True})
        _same("unread", (await self._api.get("/notifications"))["unread"], len(inbox) - 1)

    async def cannot_read(self, other: "Story") -> None:
        """Somebody else's task is not found."""
        await self._api.send("GET", f"/tasks/{other._tasks[0]['id']}", 404)

    async def _page(self, number: int) -> Document:
        return await self._api.get("/tasks", {"page": number, "limit": PAGE, "sort": "-createdAt"})


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Unexpected(f"{what}: {found} instead of {wanted}")
