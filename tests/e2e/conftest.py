"""The whole suite as processes on embedded engines, once for these tests, driven through REST alone."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from deploy.local.testing import RunningSuite, patient, running_suite


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share one suite: they run in one worker."""
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("xdist_group") is None:
                item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture(scope="package")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    """It is stopped when these tests are over: the worker has others to run, and a suite costs also when it is idle."""
    with running_suite(tmp_path_factory.mktemp("suite"), patient) as running:
        yield running


@pytest.fixture
async def http(suite: RunningSuite) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(suite.url) as client:
        yield client


@dataclass
class Person:
    """Somebody with a client: registers, and calls the API as themselves."""

    http: httpx.AsyncClient
    name: str = "Ada Lovelace"
    email: str = field(default_factory=lambda: f"ada-{uuid4().hex[:12]}@example.com")
    password: str = field(default_factory=lambda: f"correct horse {uuid4().hex[:12]}")
    id: str = ""
    access_token: str = ""
    refresh_token: str = ""

    async def register(self) -> "Person":
        answer = await self.try_to_register()
        assert answer.status_code == 201, answer.text
        return self

    async def try_to_register(self) -> httpx.Response:
        body = {"name": self.name, "email": self.email, "password": self.password}
        answer = await self.http.post("/api/v1/auth/register", json=body)
        if answer.is_success:
            self.id = answer.json()["user"]["id"]
            self.keep(answer)
        return answer

    async def login(self, password: str | None = None) -> httpx.Response:
        answer = await self.http.post(
            "/api/v1/auth/login", json={"email": self.email, "password": password or self.password}
        )
        if answer.is_success:
            self.keep(answer)
        return answer

    def keep(self, answer: httpx.Response) -> None:
        """Use the tokens of this answer from now on."""
        self.access_token, self.refresh_token = answer.json()["accessToken"], answer.json()["refreshToken"]

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.access_token}", **options.pop("headers", {})}
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **options)

    async def create_task(self, **fields: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/tasks", json={"title": "Write the report", **fields})
        assert answer.status_code == 201, answer.text
        task: dict[str, Any] = answer.json()
        return task

    async def inbox(self) -> list[dict[str, Any]]:
        answer = await self.call("GET", "/notifications", params={"limit": 100})
        assert answer.status_code == 200, answer.text
        entries: list[dict[str, Any]] = answer.json()["notifications"]
        return entries

    async def inbox_with(self, kind: str) -> list[dict[str, Any]]:
        """The entries of that kind, once there is one."""

        async def entries() -> list[dict[str, Any]]:
            return [entry for entry in await self.inbox() if entry["type"] == kind]

        return await eventually(entries, f"a {kind} entry in the inbox")


async def whole(http: httpx.AsyncClient) -> None:
    """Wait until the processes have found each other again after one was killed.

    A process that is well again is not yet known to be: its neighbours' channels try it after a back-off of up to 2 s,
    and until then answer as if it were away.
    """

    async def found() -> bool:
        person = Person(http)
        if not (await person.try_to_register()).is_success:
            return False
        paths = ("/users/me", "/tasks", "/notifications")  # the profile is there at once: auth has found users
        return all([(await person.call("GET", path)).is_success for path in paths])

    await eventually(found, "every process found by those that call it")


@pytest.fixture
async def ada(http: httpx.AsyncClient) -> Person:
    return await Person(http).register()


@pytest.fixture
async def eve(http: httpx.AsyncClient) -> Person:
    return await Person(http, name="Eve").register()
