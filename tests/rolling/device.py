"""Somebody's device: it reads and writes through REST, and knows what must have come of it at the end."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

Json = dict[str, Any]


@dataclass
class Account:
    """What was asked and what went wrong, of all devices together."""

    asked: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Requests."""
        return self.asked.total()


Task = tuple[str, str]
"""A task's title and status."""


class Device:
    """Asks without a pause. A request has failed when it got another answer than it must, or none.

    What it creates is its own: no other device changes it.
    """

    def __init__(self, http: httpx.AsyncClient, account: Account, dice: random.Random) -> None:
        self._http, self._account, self._dice = http, account, dice
        self._token = ""
        self._credentials = {"email": f"{uuid4().hex}@example.com", "password": uuid4().hex}
        self.tasks: dict[str, Task] = {}
        """By id what the answers have acknowledged."""

    async def register(self) -> None:
        """Come into being. Raises AssertionError."""
        answer = await self._ask("register", 201, "POST", "/auth/register", {"name": "Ada", **self._credentials})
        assert answer is not None, self._account.failed
        self._token = answer["accessToken"]
        await self._create()

    async def ask(self) -> None:
        """One request."""
        (act,) = self._dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        await act(self)

    async def stored(self) -> dict[str, Task]:
        """Every task there is of this person, by id."""
        found: dict[str, Task] = {}
        token = ""
        while True:
            query = f"limit=100&pageToken={token}" if token else "limit=100"
            answer = await self._http.get(f"/api/v1/tasks?{query}", headers=self._bearer)
            answer.raise_for_status()
            found |= {task["id"]: _task(task) for task in answer.json()["tasks"]}
            token = answer.json()["nextPageToken"]
            if not token:
                return found

    async def _read(self) -> None:
        await self._ask("read a task", 200, "GET", f"/tasks/{self._some()}")

    async def _list(self) -> None:
        await self._ask("list tasks", 200, "GET", "/tasks?limit=5")

    async def _profile(self) -> None:
        await self._ask("read a profile", 200, "GET", "/users/me")

    async def _inbox(self) -> None:
        await self._ask("read an inbox", 200, "GET", "/notifications?limit=5")

    async def _create(self) -> None:
        title = uuid4().hex
        task = await self._ask("create a task", 201, "POST", "/tasks", {"title": title}, key=True)
        if task is not None:
            self.tasks[task["id"]] = title, "pending"

    async def _rename(self) -> None:
        task, title = self._some(), uuid4().hex
        if await self._ask("change a task", 200, "PATCH", f"/tasks/{task}", {"title": title}) is not None:
            self.tasks[task] = title, self.tasks[task][1]

    async def _complete(self) -> None:
        task = self._some()
        if await self._ask("complete a task", 200, "POST", f"/tasks/{task}/complete", key=True) is not None:
            self.tasks[task] = self.tasks[task][0], "completed"

    async def _delete(self) -> None:
        task = self._some()
        if len(self.tasks) > 1 and await self._ask("delete a task", 204, "DELETE", f"/tasks/{task}") is not None:
            del self.tasks[task]

    async def _log_in(self) -> None:
        answer = await self._ask("log in", 200, "POST", "/auth/login", self._credentials)
        if answer is not None:
            self._token = answer["accessToken"]

    def _some(self) -> str:
        return self._dice.choice(list(self.tasks))

    @property
    def _bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"} if self._token else {}

    async def _ask(
        self, what: str, status: int, method: str, path: str, body: Json | None = None, *, key: bool = False
    ) -> Json | None:
        """What came back; None when the request has failed."""
        self._account.asked[what] += 1
        headers = {**self._bearer, **({"idempotency-key": f'"{uuid4()}"'} if key else {})}
        try:
            answer = await self._http.request(method, f"/api/v1{path}", json=body, headers=headers)
        except httpx.TransportError as error:
            self._account.failed.append(f"{what}: {error!r}")
            return None
        if answer.status_code != status:
            self._account.failed.append(f"{what}: {answer.status_code} {answer.text[:300]}")
            return None
        return answer.json() if answer.content else {}


def _task(answer: Json) -> Task:
    return answer["title"], answer["status"]


_WEIGHTS: dict[Callable[[Device], Awaitable[None]], float] = {
    Device._read: 60,
    Device._list: 8,
    Device._profile: 6,
    Device._inbox: 6,
    Device._create: 8,
    Device._rename: 8,
    Device._complete: 2,
    Device._delete: 1.5,
    Device._log_in: 0.3,
}
