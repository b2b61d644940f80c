"""Health, readiness, keys, and the documentation page."""

import re

import httpx
import jwt
from jwt.algorithms import OKPAlgorithm

from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from chassis.tokens import RemoteKeys
from gateway.app import build
from gateway.readiness import NeighbourWatch, Readiness
from gateway.revocations import Revocations
from gateway.settings import Settings
from gateway.tests.conftest import TESTED
from gateway.tests.upstream import Upstream


async def test_a_gateway_with_everything_is_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "degraded": []})


async def test_a_gateway_without_keys_is_alive_but_not_ready(lonely: httpx.AsyncClient) -> None:
    assert (await lonely.get("/healthz")).status_code == 200
    response = await lonely.get("/readyz")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["degraded"] == ["auth", "users", "tasks", "notify"]
    assert (await lonely.get("/.well-known/jwks.json")).status_code == 503


async def test_a_service_that_does_not_serve_is_named_and_the_gateway_stays_ready(
    client: httpx.AsyncClient, upstream: Upstream
) -> None:
    async def degraded(*names: str) -> bool:
        response = await client.get("/readyz")
        assert response.status_code == 200
        return bool(response.json() == {"status": "ready", "degraded": list(names)})

    await upstream.health.draining()
    await eventually(lambda: degraded("auth", "users", "tasks", "notify"), "the services are named")
    await upstream.health.serving()
    await eventually(degraded, "nothing is degraded")


async def test_a_gateway_on_its_way_out_is_not_ready(services: Upstream) -> None:
    targets = dict.fromkeys(("auth_target", "users_target", "tasks_target", "notify_target"), services.target)
    process = build(Settings.model_validate({"gateway_port": 0, **TESTED, **targets}))
    async with process.running():
        deny_list = process.component(Revocations).deny_list
        readiness = Readiness(process.component(RemoteKeys), deny_list, process.component(NeighbourWatch))
        await eventually(lambda: readiness.refusal == "", "the keys and the ended sessions are known")
        await readiness.draining()
        assert readiness.refusal == "draining"
        await readiness.serving()
        assert readiness.refusal == ""


async def test_the_published_keys_verify_tokens(anonymous: httpx.AsyncClient, issuer: Issuer, token: str) -> None:
    response = await anonymous.get("/.well-known/jwks.json")
    (key,) = response.json()["keys"]
    assert (key["kid"], key["alg"], key["use"]) == (issuer.kid, "EdDSA", "sig")
    public = OKPAlgorithm.from_jwk(key)
    claims = jwt.decode(token, public, algorithms=["EdDSA"], audience="primetrade")  # type: ignore[arg-type]
    assert claims["iss"] == "primetrade-auth"
    assert response.headers["cache-control"] == "public, max-age=300"


async def test_the_documentation_needs_nothing_from_elsewhere(anonymous: httpx.AsyncClient) -> None:
    page = await anonymous.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "http" not in policy
    assert "<script>" not in page.text
    assets = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(assets) == 4
    for asset in assets:
        response = await anonymous.get(f"/{asset}")
        assert response.status_code == 200
        assert len(response.content) > 100
    start = (await anonymous.get("/docs/start.js")).text
    assert re.findall(r"https?://", start) == []
    assert "validatorUrl: null" in start
    assert 'url: "openapi.json"' in start
