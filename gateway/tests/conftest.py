"""A gateway with services that answer as the tests say, and clients that hold every response against the document."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from chassis.clock import Clock
from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from chassis.testing.issuer import Issuer
from chassis.testing.ports import free_port
from gateway.app import build
from gateway.limiting.quota import Quota
from gateway.server import HttpServer
from gateway.settings import Settings
from gateway.tests.contract import Contract
from gateway.tests.upstream import PERSON_ID, Upstream

TESTED = {"start_patience": 0, "drain_notice": 0, "upstream_timeout": 120, "request_timeout": 120}
"""Settings of a gateway of a test: it waits for nobody when it starts and when it ends, and its deadlines are such that
only a defect reaches them, on however busy a machine."""
PLENTY = dict.fromkeys((f"gateway_rate_limit_{name}" for name in ("address", "auth", "subject")), Quota(1_000_000, 900))
"""Settings of limits that no test reaches."""


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    """Whose tokens the gateway accepts."""
    async with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
async def services(issuer: Issuer) -> AsyncIterator[Upstream]:
    """The services behind the gateway, for the whole run."""
    async with Upstream(issuer) as upstream:
        yield upstream


@pytest.fixture
def upstream(services: Upstream) -> Iterator[Upstream]:
    """The services behind the gateway, answering well when the test begins."""
    services.as_usual()
    yield services
    services.as_usual()


@pytest.fixture(scope="session")
def token(issuer: Issuer) -> str:
    """A person's access token."""
    return issuer.token(PERSON_ID)


@pytest.fixture(scope="session")
async def origin(services: Upstream) -> AsyncIterator[str]:
    """The URL of a gateway whose services are there."""
    async with served(services.target) as origin:
        yield origin


@pytest.fixture(scope="session")
async def impatient_origin(services: Upstream) -> AsyncIterator[str]:
    """The URL of a gateway that waits for nobody."""
    async with served(services.target, upstream_timeout=0.3, request_timeout=0.5) as origin:
        yield origin


@pytest.fixture(scope="session")
async def narrow_origin(services: Upstream) -> AsyncIterator[str]:
    """The URL of a gateway that holds two requests at most, as long as a test needs."""
    async with served(services.target, max_in_flight=2) as origin:
        yield origin


@pytest.fixture(scope="session")
async def lonely_origin() -> AsyncIterator[str]:
    """The URL of a gateway whose services were never there."""
    async with started(f"127.0.0.1:{free_port()}") as origin:
        yield origin


@pytest.fixture(scope="session")
async def strict_origin(services: Upstream) -> AsyncIterator[str]:
    """The URL of a gateway that demands If-Match."""
    async with served(services.target, require_preconditions=True) as origin:
        yield origin


@pytest.fixture(scope="session")
async def contract(origin: str) -> Contract:
    """The document that the gateway serves."""
    async with http_client() as client:
        return Contract((await client.get(f"{origin}/openapi.json")).json())


@pytest.fixture(scope="session")
async def client(origin: str, contract: Contract, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A logged-in client."""
    async with checked(origin, contract, token) as client:
        yield client


@pytest.fixture(scope="session")
async def anonymous(origin: str, contract: Contract) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with checked(origin, contract) as client:
        yield client


@pytest.fixture(scope="session")
async def impatient(impatient_origin: str, contract: Contract, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A logged-in client of the impatient gateway."""
    async with checked(impatient_origin, contract, token) as client:
        yield client


@pytest.fixture(scope="session")
async def narrow(narrow_origin: str, contract: Contract, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A logged-in, patient client of the gateway that holds two requests."""
    async with checked(narrow_origin, contract, token) as client:
        yield client


@pytest.fixture(scope="session")
async def strict(strict_origin: str, contract: Contract, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A logged-in client of the gateway that demands If-Match."""
    async with checked(strict_origin, contract, token) as client:
        yield client


@pytest.fixture(scope="session")
async def lonely(lonely_origin: str, contract: Contract, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway without services."""
    async with checked(lonely_origin, contract, token) as client:
        yield client


def checked(origin: str, contract: Contract, token: str = "") -> httpx.AsyncClient:
    """A client that holds every response against the document."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return http_client(origin, headers=headers, event_hooks={"response": [contract.check]})


@asynccontextmanager
async def started(target: str, clock: Clock | None = None, **settings: Any) -> AsyncIterator[str]:
    """A gateway whose services are all at the target, there or not, with limits and deadlines that no test reaches; its
    URL."""
    targets = dict.fromkeys(("auth_target", "users_target", "tasks_target", "notify_target"), target)
    process = build(Settings(gateway_port=0, **{**TESTED, **targets, **PLENTY, **settings}), clock)
    async with process.running():
        yield f"http://127.0.0.1:{process.component(HttpServer).port}"


@asynccontextmanager
async def served(target: str, clock: Clock | None = None, **settings: Any) -> AsyncIterator[str]:
    """The same, when it is ready and has all its services."""
    async with started(target, clock, **settings) as origin:
        await eventually(lambda: ready(origin), "the gateway is ready and nothing is degraded")
        yield origin


async def ready(origin: str) -> bool:
    """Whether the gateway is, with all its services."""
    async with http_client() as client:
        try:
            response = await client.get(f"{origin}/readyz")
        except httpx.TransportError:  # cut by a time that a test made short
            return False
        return response.status_code == 200 and response.json()["degraded"] == []
