"""The OpenAPI document, and Swagger UI to read it with: every asset is served from here, none from elsewhere."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from chassis.problem import NO_ROUTE, Problem
from gateway.openapi.document import document
from gateway.problems import Refused

router = APIRouter(include_in_schema=False)

_PAGES = Path(__file__).parent.parent / "pages"
_PAGE = (_PAGES / "docs.html").read_bytes()
_SWAGGER_UI = files("fastapi_offline") / "static"
_ASSETS: dict[str, tuple[Traversable, str]] = {
    "swagger-ui.css": (_SWAGGER_UI / "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript"),
    "favicon.png": (_SWAGGER_UI / "favicon.png", "image/png"),
    "start.js": (_PAGES / "start.js", "text/javascript"),
}
# Swagger UI sets styles of its own on elements and holds its icons as data URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KEEP = {"cache-control": "public, max-age=3600"}


@router.get("/openapi.json")
async def openapi_document(request: Request) -> Response:
    """The document, made once."""
    state = request.app.state
    if not hasattr(state, "openapi"):
        state.openapi = orjson.dumps(document(request.app.routes))
    return Response(state.openapi, media_type="application/json", headers={"cache-control": "no-cache"})


@router.get("/docs")
async def docs() -> Response:
    """The page."""
    return Response(_PAGE, media_type="text/html", headers={"content-security-policy": _POLICY, **_KEEP})


@router.get("/docs/{name}")
async def asset(name: str) -> Response:
    """What the page needs."""
    if name not in _ASSETS:
        raise Refused(Problem(NO_ROUTE, "There is no such asset."))
    return Response(_content(name), media_type=_ASSETS[name][1], headers=_KEEP)


@cache
def _content(name: str) -> bytes:
    """The same bytes for everybody: who takes them slowly holds none of their own."""
    return _ASSETS[name][0].read_bytes()
