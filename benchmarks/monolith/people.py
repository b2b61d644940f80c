"""Who asks: people registered through the front door of a side, their tasks put straight into its database.

Registration and the tokens it gives are the real ones, whatever a password's hash costs. Tasks are too many for that
(ten minutes and more): they are put where the side keeps them, as the side itself would store them, without the events
of their creation. On both sides a task with the same number has the same title, state and age.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import httpx
from bson import ObjectId
from pymongo.collection import Collection

from benchmarks.monolith.operations import PASSWORD, READ, SHARES, TASKS, Known, Person, Population, consumed
from chassis.clock import ordered_id
from services.tasks.domain.task import Draft, Task
from services.tasks.domain.values import Description, OwnerId, Priority, Status, TaskId, Title
from services.tasks.store.documents import TaskMapper

Document = dict[str, Any]
A = TypeVar("A")
B = TypeVar("B")

KNOWN = 200
"""So many answers from before a client remembers."""
_AT_ONCE, _BATCH = 8, 2_000
_MAPPER = TaskMapper()


@dataclass(frozen=True, slots=True)
class Registered:
    """Somebody with an account and no tasks yet."""

    id: str
    email: str
    token: str = field(repr=False)


Stored = Callable[[str, Draft, datetime], Document]
"""The document of a task of that owner, created then."""


def suite_document(owner: str, draft: Draft, at: datetime) -> Document:
    """As the tasks service stores a task whose events are all published."""
    task = Task.create(TaskId(UUID(int=ordered_id().int)), OwnerId(UUID(owner)), draft, at)
    fields = {name: value for name, value in _MAPPER.fields(task).items() if value is not None}
    events = len(task.recorded)
    return {**_MAPPER.key(task), **fields, "version": 1, "sequence": events, "pending": []}


def peer_document(owner: str, draft: Draft, at: datetime) -> Document:
    """As Mongoose stores a task."""
    return {
        "_id": ObjectId(),
        "user": ObjectId(owner),
        "title": draft.title,
        "description": draft.description,
        "status": draft.status.value,
        "priority": draft.priority.name.lower(),
        "dueDate": draft.due_time,
        "completedAt": at if draft.status is Status.COMPLETED else None,
        "createdAt": at,
        "updatedAt": at,
    }


def drafts(count: int, seed: int) -> Iterator[tuple[Draft, datetime]]:
    """What the tasks of a person are, and when they were created: the oldest first, an hour apart, until now.

    What will be completed or deleted is pending; of the others a third is in each status.
    """
    chance, now = Random(seed), datetime.now(UTC).replace(microsecond=0)
    for number in range(count):
        status = list(Status)[number // SHARES % 3] if number % SHARES < 2 else Status.PENDING
        draft = Draft(
            title=Title(f"Write report {number} of the year"),
            description=Description(("Numbers first. " * chance.randint(0, 6)).strip()),
            status=status,
            priority=chance.choice(list(Priority)),
            due_time=now + timedelta(days=chance.randint(1, 300)) if chance.random() < 0.7 else None,
        )
        yield draft, now - timedelta(hours=count - number)


async def populated(
    client: httpx.AsyncClient, collection: "Collection[Document]", stored: Stored, count: int, tasks: int, seed: int
) -> Population:
    """So many people with so many tasks each, and what they know of them. Raises httpx.HTTPStatusError."""
    registered = await each(range(count), lambda number: _registered(client, number))
    people = await asyncio.to_thread(_with_tasks, registered, collection, stored, tasks, seed)
    some = people[:KNOWN]
    pages = await each(some, lambda person: _second_page(client, person, tasks))
    tagged = await each(some, lambda person: _tagged(client, person))
    return Population(people, tagged, pages, consumed(people, seed))


async def each(those: Iterable[A], do: Callable[[A], Awaitable[B]]) -> list[B]:
    """Do it for each, a few at once; the results in order."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(that: A) -> B:
        async with turns:
            return await do(that)

    return await asyncio.gather(*(one(that) for that in those))


async def _registered(client: httpx.AsyncClient, number: int) -> Registered:
    who = {"name": f"Ada Lovelace {number}", "email": f"ada-{number}@example.com", "password": PASSWORD}
    answer = (await client.post("/api/v1/auth/register", json=who)).raise_for_status().json()
    return Registered(answer["user"]["id"], who["email"], answer["accessToken"])


def _with_tasks(
    registered: Sequence[Registered], collection: "Collection[Document]", stored: Stored, tasks: int, seed: int
) -> list[Person]:
    people, waiting = [], list[Document]()
    for number, person in enumerate(registered):
        documents = [stored(person.id, draft, at) for draft, at in drafts(tasks, seed + number)]
        people.append(Person(person.email, person.token, [str(document["_id"]) for document in documents]))
        waiting += documents
        if len(waiting) >= _BATCH or number == len(registered) - 1:
            collection.insert_many(waiting, ordered=False)
            waiting = []
    return people


async def _second_page(client: httpx.AsyncClient, person: Person, tasks: int) -> Known:
    """Where the page after the first is: behind a token, where the side has them."""
    path = f"{TASKS}?limit=20"
    page = (await client.get(path, headers=_bearer(person))).raise_for_status().json()
    if (page["total"], len(page["tasks"])) != (tasks, 20):
        raise LookupError(f"there are {page['total']} tasks of {person.email} where {tasks} were stored")
    token = page.get("nextPageToken")
    return Known(f"{path}&pageToken={token}" if token else f"{path}&page=2", person.token)


async def _tagged(client: httpx.AsyncClient, person: Person) -> Known:
    path = f"{TASKS}/{person.tasks[READ]}"
    answer = (await client.get(path, headers=_bearer(person))).raise_for_status()
    return Known(path, person.token, answer.headers["etag"])


def _bearer(person: Person) -> dict[str, str]:
    return {"authorization": f"Bearer {person.token}", "accept-encoding": "gzip"}
