"""A route that is declared deprecated says so in every answer, and in the document."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query
from openapi_spec_validator import validate
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import NotFound
from chassis.testing.http import http_client
from gateway.answers import answer
from gateway.deprecation import Deprecation, deprecated
from gateway.documentation import answers
from gateway.middleware.deprecated import Deprecated, leaving
from gateway.middleware.errors import Errors
from gateway.middleware.head import Head
from gateway.openapi.document import document
from gateway.reading.query import NoQuery
from gateway.reading.route import Protected, Public
from gateway.schemas.operations import Alive
from gateway.server import HttpServer
from gateway.settings import Settings

SINCE, SUNSET = date(2026, 12, 1), date(2027, 6, 1)
SAID = {"deprecation": "@1796083200", "sunset": "Tue, 01 Jun 2027 00:00:00 GMT"}
ID = "0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11"

anybody, owner = APIRouter(route_class=Public), APIRouter(route_class=Protected)


@anybody.get("/things/{thing_id}", responses=answers({200: Alive}, 404, protected=False))
@deprecated(since=SINCE, sunset=SUNSET)
async def get_thing(request: Request, thing_id: UUID, query: Annotated[NoQuery, Query()]) -> Response:
    """A thing, the old way."""
    if str(thing_id) != ID:
        raise NotFound("thing", str(thing_id))
    return answer({"status": "alive"})


@anybody.post("/things/{thing_id}", responses=answers({200: Alive}, 404, protected=False))
async def post_thing(request: Request, thing_id: UUID) -> Response:
    """A thing, another way."""
    return answer({"status": "alive"})


@owner.get("/mine", responses=answers({200: Alive}))
@deprecated(since=SINCE, sunset=SUNSET)
async def get_mine(request: Request) -> Response:
    """What a token is needed for."""
    return answer({"status": "alive"})


ROUTES = [*anybody.routes, *owner.routes]
DOCUMENT = document(ROUTES)


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that has these routes alone, behind the wrappers that matter here."""
    wrappers = [Middleware(Deprecated, routes=leaving(ROUTES)), Middleware(Errors), Middleware(Head)]
    app = FastAPI(openapi_url=None, routes=ROUTES, middleware=wrappers)
    server = HttpServer(Settings(gateway_port=0), app)
    async with server, http_client(f"http://127.0.0.1:{server.port}") as client:
        yield client


def said(response: httpx.Response) -> dict[str, str]:
    return {name: response.headers[name] for name in SAID if name in response.headers}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/things/{ID}", 200),
        ("HEAD", f"/things/{ID}", 200),
        ("GET", f"/things/{ID}?colour=red", 422),
        ("GET", "/things/0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b12", 404),
        ("GET", "/mine", 401),
    ],
)
async def test_every_answer_of_a_deprecated_route_says_so(
    method: str, path: str, status: int, http: httpx.AsyncClient
) -> None:
    response = await http.request(method, path)
    assert response.status_code == status
    assert said(response) == SAID


@pytest.mark.parametrize(("method", "path"), [("POST", f"/things/{ID}"), ("DELETE", f"/things/{ID}"), ("GET", "/else")])
async def test_no_other_answer_does(method: str, path: str, http: httpx.AsyncClient) -> None:
    assert said(await http.request(method, path)) == {}


def test_the_document_says_it_of_the_operation_and_of_each_of_its_answers() -> None:
    validate(DOCUMENT)
    old, other = DOCUMENT["paths"]["/things/{thing_id}"]["get"], DOCUMENT["paths"]["/things/{thing_id}"]["post"]
    assert (old["deprecated"], old["x-sunset"]) == (True, "2027-06-01")
    assert all({"Deprecation", "Sunset"} <= set(response["headers"]) for response in old["responses"].values())
    assert {"deprecated", "x-sunset"} & set(other) == set()
    assert not any({"Deprecation", "Sunset"} & set(response["headers"]) for response in other["responses"].values())
    assert DOCUMENT["paths"]["/mine"]["get"]["security"] == [{"bearer": []}]


@pytest.mark.parametrize("sunset", [SINCE, date(2026, 11, 30)])
def test_nothing_goes_before_it_is_deprecated(sunset: date) -> None:
    with pytest.raises(ValueError, match="since 2026-12-01 cannot have gone on"):
        Deprecation(SINCE, sunset)
