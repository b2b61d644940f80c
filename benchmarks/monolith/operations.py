"""What is asked: for each operation a request by somebody, chosen by chance, for something of theirs.

Both sides get the same ones: chance has the same seed, and a task has the same number among its owner's. Which part of
the numbers an operation takes keeps the others right: what is read with its ETag is never changed, what is completed or
deleted is so once.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

TASKS, ME, LOGIN = "/api/v1/tasks", "/api/v1/users/me", "/api/v1/auth/login"
PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who do not exist

SHARES = 4
READ, CHANGED = 0, 1
CONSUMED: Mapping[str, int] = {"complete": 2, "delete": 3}
"""Of every four tasks of a person the first is only ever read, the second read and changed, the others are used up."""
FILTERED = "status=pending&priority=medium&fields=title,status,dueDate"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and the status that is its success."""

    method: str
    path: str
    status: int
    token: str = field(default="", repr=False)
    body: bytes = b""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in, and the ids of their tasks, the oldest first."""

    email: str
    token: str = field(repr=False)
    tasks: Sequence[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What a client has from an answer before: the ETag of a task, or where the next page of a list is."""

    path: str
    token: str = field(repr=False)
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Population:
    """Everything that requests to one side are made of."""

    people: Sequence[Person]
    tagged: Sequence[Known]
    pages: Sequence[Known]
    consumed: Mapping[str, Iterator[tuple[Person, str]]]
    serial: "Iterator[int]" = field(default_factory=count)


Make = Callable[[Population, Random], Request]


@dataclass(frozen=True, slots=True)
class Operation:
    """What it is called on the page, how a request is made, and whether it leaves events behind."""

    title: str
    make: Make
    writes: bool = False
    only: tuple[int, ...] = ()
    """So many at once, whatever the others are measured with."""
    fraction: int = 1
    """This part of the requests of a round."""
    alone: bool = False
    """It is no race: the sides do not do the same."""


def consumed(people: Sequence[Person], seed: int) -> dict[str, Iterator[tuple[Person, str]]]:
    """The tasks that are there to be completed and to be deleted, in an order of chance."""
    found = {}
    for name, share in CONSUMED.items():
        each = [(person, task) for person in people for task in person.tasks[share::SHARES]]
        Random(seed).shuffle(each)
        found[name] = iter(each)
    return found


def _somebodys(population: Population, chance: Random, *shares: int) -> tuple[Person, str]:
    person = chance.choice(population.people)
    return person, chance.choice(person.tasks[chance.choice(shares) :: SHARES])


def _me(population: Population, chance: Random) -> Request:
    return Request("GET", ME, 200, chance.choice(population.people).token)


def _get(population: Population, chance: Random) -> Request:
    person, task = _somebodys(population, chance, READ, CHANGED)
    return Request("GET", f"{TASKS}/{task}", 200, person.token)


def _get_304(population: Population, chance: Random) -> Request:
    known = chance.choice(population.tagged)
    return Request("GET", known.path, 304, known.token, etag=known.etag)


def _list(population: Population, chance: Random) -> Request:
    return Request("GET", f"{TASKS}?limit=20", 200, chance.choice(population.people).token)


def _list_next(population: Population, chance: Random) -> Request:
    known = chance.choice(population.pages)
    return Request("GET", known.path, 200, known.token)


def _list_filtered(population: Population, chance: Random) -> Request:
    return Request("GET", f"{TASKS}?limit=20&{FILTERED}", 200, chance.choice(population.people).token)


def _create(population: Population, chance: Random) -> Request:
    body = {
        "title": f"Write report {next(population.serial)}",
        "description": "Numbers first. " * chance.randint(0, 6),
        "priority": chance.choice(("low", "medium", "high")),
        "dueDate": f"2031-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}T17:00:00.000Z",
    }
    return Request("POST", TASKS, 201, chance.choice(population.people).token, _json(body))


def _update(population: Population, chance: Random) -> Request:
    person, task = _somebodys(population, chance, CHANGED)
    body = {"title": f"Write report {next(population.serial)}", "priority": chance.choice(("low", "medium", "high"))}
    return Request("PATCH", f"{TASKS}/{task}", 200, person.token, _json(body))


def _complete(population: Population, _: Random) -> Request:
    person, task = next(population.consumed["complete"])
    return Request("POST", f"{TASKS}/{task}/complete", 200, person.token)


def _delete(population: Population, _: Random) -> Request:
    person, task = next(population.consumed["delete"])
    return Request("DELETE", f"{TASKS}/{task}", 204, person.token)


def _mix(population: Population, chance: Random) -> Request:
    return chance.choices((_get, _list, _create), (40, 40, 20))[0](population, chance)


def _login(population: Population, chance: Random) -> Request:
    who = {"email": chance.choice(population.people).email, "password": PASSWORD}
    return Request("POST", LOGIN, 200, body=_json(who))


def _json(body: Mapping[str, str]) -> bytes:
    return json.dumps(body).encode()


OPERATIONS: Mapping[str, Operation] = {
    "me": Operation("who am I", _me),
    "get": Operation("get a task", _get),
    "get-304": Operation("get a task that has not changed (304)", _get_304),
    "list": Operation("list 20, with the total", _list),
    "list-next": Operation("list the next 20: by cursor; of the peer by number", _list_next),
    "list-filtered": Operation("list 20 of a status and a priority, three fields", _list_filtered),
    "create": Operation("create a task", _create, writes=True),
    "update": Operation("change a task", _update, writes=True),
    "complete": Operation("complete a task", _complete, writes=True),
    "delete": Operation("delete a task", _delete, writes=True),
    "mix": Operation("40 % get, 40 % list, 20 % create", _mix, writes=True),
    # More passwords at once are refused: they would wait for too long.
    "login": Operation("log in: argon2id beside bcrypt", _login, writes=True, only=(8,), fraction=10, alone=True),
}
