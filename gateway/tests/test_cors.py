"""Pages of the listed origins may read the answers; to others nothing is said."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from gateway.settings import Settings
from gateway.tests.conftest import checked, served
from gateway.tests.contract import Contract
from gateway.tests.upstream import TASK_ID, Upstream

APP = "https://app.example"
TASK_PATH = f"/api/v1/tasks/{TASK_ID}"
PREFLIGHT = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization,if-match"}


@pytest.fixture(scope="session")
async def pages(services: Upstream, contract: Contract, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that two origins may read."""
    async with (
        served(services.target, cors_origins=f"{APP}, http://127.0.0.1:5173") as origin,
        checked(origin, contract, token) as client,
    ):
        yield client


@pytest.mark.parametrize("page", [APP, "http://127.0.0.1:5173"])
async def test_a_listed_origin_may_read_every_answer(page: str, pages: httpx.AsyncClient, upstream: Upstream) -> None:
    read = await pages.get(TASK_PATH, headers={"origin": page})
    refused = await pages.post("/api/v1/tasks", content=b"{", headers={"origin": page})
    nowhere = await pages.get("/nowhere", headers={"origin": page})
    assert [answer.status_code for answer in (read, refused, nowhere)] == [200, 415, 404]
    for answer in (read, refused, nowhere):
        assert answer.headers["access-control-allow-origin"] == page
        assert {"etag", "location", "retry-after", "x-request-id"} <= _names(answer, "access-control-expose-headers")
        assert "origin" in _names(answer, "vary")
        assert _cors(answer) == {"access-control-allow-origin", "access-control-expose-headers"}


async def test_a_preflight_is_told_what_may_be_asked(pages: httpx.AsyncClient, upstream: Upstream) -> None:
    answer = await pages.options(TASK_PATH, headers={"origin": APP, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == APP
    assert _names(answer, "access-control-allow-methods") == {"get", "head", "post", "patch", "delete"}
    used = {"authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "x-request-id"}
    assert used | {"traceparent", "tracestate", "prefer"} <= _names(answer, "access-control-allow-headers")
    assert answer.headers["access-control-max-age"] == "7200"
    assert "origin" in _names(answer, "vary")
    assert not upstream.received


async def test_a_preflight_needs_no_token_and_finds_nothing_where_nothing_is(pages: httpx.AsyncClient) -> None:
    headers = {"origin": APP, "authorization": "", **PREFLIGHT}
    assert (await pages.options(TASK_PATH, headers=headers)).status_code == 204
    assert (await pages.options("/nowhere", headers=headers)).status_code == 404


async def test_options_without_what_a_preflight_asks_is_none(pages: httpx.AsyncClient) -> None:
    answer = await pages.options(TASK_PATH, headers={"origin": APP})
    assert _cors(answer) == {"access-control-allow-origin", "access-control-expose-headers"}


@pytest.mark.parametrize(
    "page",
    ["https://evil.example", "https://app.example.evil.example", "https://evil-app.example", "http://app.example",
     "https://app.example:8443", "https://APP.example", "https://app.example/", "null", "*", "",
     "https://app.example, https://evil.example", "https://app.example https://evil.example", "http://127.0.0.1"],
)  # fmt: skip
async def test_to_another_origin_nothing_is_said(page: str, pages: httpx.AsyncClient, upstream: Upstream) -> None:
    read = await pages.get(TASK_PATH, headers={"origin": page})
    asked = await pages.options(TASK_PATH, headers={"origin": page, **PREFLIGHT})
    assert (read.status_code, asked.status_code) == (200, 204)
    assert _cors(read) == _cors(asked) == set()
    assert "origin" in _names(read, "vary") & _names(asked, "vary")


async def test_who_says_no_origin_gets_an_answer_that_varies_by_it(
    pages: httpx.AsyncClient, upstream: Upstream
) -> None:
    answer = await pages.get(TASK_PATH)
    assert _cors(answer) == set()
    assert "origin" in _names(answer, "vary")


async def test_where_no_origin_is_listed_nothing_is_said_to_any(client: httpx.AsyncClient, upstream: Upstream) -> None:
    for method, headers in (("GET", {"origin": APP}), ("OPTIONS", {"origin": APP, **PREFLIGHT})):
        answer = await client.request(method, TASK_PATH, headers=headers)
        assert _cors(answer) == set()
        assert "origin" not in _names(answer, "vary")


@pytest.mark.parametrize(
    "value",
    ["*", "null", "app.example", "https://", "https://*.example", "https://app.example/", "https://app.example/x",
     "https://app.example?x", "https://u@app.example", "https://App.example", "HTTPS://app.example",
     "https://app.example:443", "http://app.example:80", "https://app.example:0", "https://app.example:99999",
     "https://app.example:x", "https://app example", "ftp://app.example", f"{APP},*", f"{APP};https://b.example"],
)  # fmt: skip
def test_an_origin_that_no_browser_sends_is_no_setting(value: str) -> None:
    with pytest.raises(ValidationError, match="must be an origin as browsers send it"):
        Settings.model_validate({"cors_origins": value})


def test_origins_are_listed_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, expected in {"": set(), f" {APP} ,http://[::1]:3000,": {APP, "http://[::1]:3000"}}.items():
        monkeypatch.setenv("CORS_ORIGINS", value)
        assert Settings().cors_origins == expected


def _names(answer: httpx.Response, header: str) -> set[str]:
    return {name.strip().lower() for name in answer.headers.get(header, "").split(",")} - {""}


def _cors(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}
