"""Who logs out is logged out: at every gateway, and at one that was restarted since."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from chassis.testing.eventually import eventually
from chassis.testing.http import http_client
from deploy.local.programs import SERVICES
from deploy.local.testing import RunningSuite
from gateway.app import build
from gateway.server import HttpServer
from gateway.settings import Settings
from tests.e2e.conftest import Person

# More often than a session remembers of its latest refreshes: a token from before them counts as stolen at once.
MANY = 17


@pytest.fixture
async def another(suite: RunningSuite) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a second gateway beside the suite's own."""
    targets = {f"{name}_target": f"127.0.0.1:{suite.ports(name)['grpc']}" for name in SERVICES}
    own = {"gateway_port": 0, "gateway_rate_limit_disabled": True, "upstream_timeout": 60, "request_timeout": 60}
    settings = Settings.model_validate({**own, "kafka_bootstrap_servers": suite.kafka_bootstrap_servers, **targets})
    process = build(settings)
    async with process.running():
        origin = f"http://127.0.0.1:{process.component(HttpServer).port}"
        async with http_client(origin) as http:

            async def ready() -> bool:
                return (await http.get("/readyz")).status_code == 200

            await eventually(ready, "the second gateway is ready")
            yield http


async def over(*devices: Person) -> None:
    """Wait until the access token of each is refused."""

    async def refused() -> bool:
        answers = [await device.call("GET", "/tasks") for device in devices]
        assert {answer.status_code for answer in answers} <= {200, 401}
        return all(answer.status_code == 401 for answer in answers)

    await eventually(refused, "the session is over at every gateway")


async def test_a_logout_ends_the_access_token_at_every_gateway_and_for_good(
    suite: RunningSuite, ada: Person, another: httpx.AsyncClient
) -> None:
    here, there = ada, replace(ada, http=another)
    assert (await here.call("GET", "/tasks")).status_code == (await there.call("GET", "/tasks")).status_code == 200
    await ada.http.post("/api/v1/auth/logout", json={"refreshToken": ada.refresh_token})
    await over(here, there)
    suite.restart("gateway")
    answer = await here.call("GET", "/tasks")
    assert (answer.status_code, answer.json()["detail"]) == (401, "the session has ended")
    # The person is not shut out, only the session is over.
    assert (await ada.login()).status_code == 200
    assert (await ada.call("GET", "/tasks")).status_code == 200


async def test_a_stolen_refresh_token_ends_the_access_tokens_of_its_session(
    ada: Person, another: httpx.AsyncClient
) -> None:
    stolen = ada.refresh_token
    for _ in range(MANY):
        ada.keep(await ada.http.post("/api/v1/auth/refresh", json={"refreshToken": ada.refresh_token}))
    here, there = ada, replace(ada, http=another)
    assert (await here.call("GET", "/tasks")).status_code == (await there.call("GET", "/tasks")).status_code == 200
    assert (await ada.http.post("/api/v1/auth/refresh", json={"refreshToken": stolen})).status_code == 401
    await over(here, there)
