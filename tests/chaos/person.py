"""Somebody who uses the suite through REST, with more than one device at once."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.chaos.client import Answer, Client, Json, session_of
from tests.chaos.history import Verb

PATIENCE_SECONDS = 0.5
"""Pause after an attempt that was not acknowledged."""
_AT_HAND = 6
"""A person works on that many latest tasks, so that each collects events."""
_PRIORITIES = ("low", "medium", "high")


@dataclass
class Person:
    """Somebody with an account. `tasks` maps the ids of living tasks to their last known entity tags."""

    client: Client
    random: random.Random
    id: str = ""
    email: str = ""
    password: str = field(default_factory=lambda: f"correct horse {uuid4().hex}")
    token: str = ""
    refresh: str = ""
    tasks: dict[str, str] = field(default_factory=dict)
    _entering: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def register(self) -> Answer:
        """Try to get an account, under an address of its own at every attempt."""
        self.email = f"{uuid4().hex}@example.com"
        body = {"name": _unique("Person"), "email": self.email, "password": self.password}
        answer = await self.client.write(Verb.REGISTER, "POST", "/auth/register", marker=self.email, body=body)
        if answer.acknowledged:
            self.id = answer.body["user"]["id"]
            self._keep(answer)
        return answer

    async def do_something(self) -> Answer:
        """One write, drawn by weight; and a login after it when the token is no longer taken."""
        write = self.random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        answer = await write(self)
        if answer.said == "401":
            await self._log_in()
        return answer

    async def create(self) -> Answer:
        title = _unique("task")
        body = {"title": title, "description": "A chore. " * self.random.randrange(30)}
        body["priority"] = self.random.choice(_PRIORITIES)
        if self.random.random() < 0.3:
            body["dueDate"] = (datetime.now(UTC) + timedelta(hours=self.random.randint(12, 20))).isoformat()
        answer = await self._send(Verb.CREATE, "POST", "/tasks", marker=title, body=body, key=uuid4().hex)
        if answer.acknowledged:
            self.tasks[answer.body["id"]] = answer.etag
        return answer

    async def change(self, **more: str) -> Answer:
        if not (task := self._some_task()):
            return await self.create()
        body = {"title": _unique("title"), **more}
        etag = self.tasks[task] if self.random.random() < 0.2 else ""
        answer = await self._send(
            Verb.CHANGE, "PATCH", f"/tasks/{task}", subject=task, marker=body["title"], body=body, etag=etag
        )
        return self._seen(task, answer)

    async def reopen(self) -> Answer:
        return await self.change(status="pending")

    async def complete(self) -> Answer:
        if not (task := self._some_task()):
            return await self.create()
        return self._seen(task, await self._send(Verb.COMPLETE, "POST", f"/tasks/{task}/complete", subject=task))

    async def delete(self) -> Answer:
        if not (task := self._some_task()):
            return await self.create()
        answer = await self._send(Verb.DELETE, "DELETE", f"/tasks/{task}", subject=task)
        if answer.acknowledged:
            self.tasks.pop(task, None)
        return self._seen(task, answer)

    async def rename(self) -> Answer:
        name = _unique("Person")
        return await self._send(Verb.RENAME, "PATCH", "/users/me", subject=self.id, marker=name, body={"name": name})

    async def mark(self) -> Answer:
        inbox = await self.client.read("/notifications", self.token, {"limit": 10})
        unread = [entry["id"] for entry in inbox.get("notifications", ()) if not entry["read"]]
        if not unread:
            return await self.change()
        entry = self.random.choice(unread)
        return await self._send(Verb.MARK, "PATCH", f"/notifications/{entry}", subject=entry, body={"read": True})

    async def log_in_again(self) -> Answer:
        session, body = session_of(self.token), {"refreshToken": self.refresh}
        answer = await self.client.write(Verb.LOGOUT, "POST", "/auth/logout", subject=session, body=body)
        await self._log_in()
        return answer

    async def invite(self) -> Answer:
        """Somebody else registers, and does nothing more."""
        return await Person(self.client, self.random).register()

    async def _send(
        self,
        verb: Verb,
        method: str,
        path: str,
        *,
        subject: str = "",
        marker: str = "",
        body: Json | None = None,
        etag: str = "",
        key: str = "",
    ) -> Answer:
        return await self.client.write(
            verb, method, path, subject=subject, marker=marker, body=body, token=self.token, etag=etag, key=key
        )

    def _seen(self, task: str, answer: Answer) -> Answer:
        """Remember the entity tag; forget a task that was not found, which another device may have deleted."""
        if answer.said == "404":
            self.tasks.pop(task, None)
        elif answer.acknowledged and task in self.tasks:
            self.tasks[task] = answer.etag
        return answer

    def _some_task(self) -> str:
        latest = list(self.tasks)[-_AT_HAND:]
        return self.random.choice(latest) if len(latest) > 2 else ""

    async def _log_in(self) -> None:
        token = self.token
        async with self._entering:
            if token != self.token:
                return  # the other device has done it
            body: Json = {"email": self.email, "password": self.password}
            answer = await self.client.write(Verb.LOGIN, "POST", "/auth/login", body=body)
            if answer.acknowledged:
                self._keep(answer)

    def _keep(self, answer: Answer) -> None:
        self.token, self.refresh = answer.body["accessToken"], answer.body["refreshToken"]


_WEIGHTS: dict[Callable[[Person], Awaitable[Answer]], int] = {
    Person.create: 22,
    Person.change: 38,
    Person.complete: 12,
    Person.reopen: 6,
    Person.delete: 8,
    Person.rename: 4,
    Person.mark: 6,
    Person.log_in_again: 2,
    Person.invite: 2,
}


def _unique(word: str) -> str:
    return f"{word} {uuid4().hex}"
