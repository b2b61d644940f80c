"""The OpenAPI document: made by FastAPI from the routes, completed here."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.routing import BaseRoute

from gateway.documentation import PREFER
from gateway.reading.body import MERGE_PATCH
from gateway.schemas.base import Answer, Body
from gateway.schemas.events import KINDS
from gateway.schemas.operations import NotReadyProblem
from gateway.schemas.problem import FieldError, InvalidProblem, Problem

_REFERENCE = re.compile(r"#/components/schemas/(\w+)")
TITLE = "PrimeTrade Tasks"
VERSION = "0.1.0"
_DESCRIPTION = """\
Tasks of a person, and an inbox that tells what happened to them.

- JSON in camelCase. Moments are RFC 3339 with an offset when sent, UTC with milliseconds when received.
- What is not documented is refused: unknown fields of a body and unknown or repeated query parameters, each by name.
- Every error is a problem document (RFC 9457) with a `code` for programs and a `traceId` for us.
- `PATCH` is a merge patch (RFC 7396): an absent field stays, `null` clears, and an empty patch changes nothing.
- `POST` takes an `Idempotency-Key`: a request whose answer was lost can be sent again and has one effect. Under
  `/auth/`, and by other methods, it is ignored.
- Every `GET` can be asked as `HEAD`, and every path what it allows (`OPTIONS`). Paths are exact and have no encoded
  slashes (404); only `GET` and `HEAD` with one slash too many at the end are shown where to go (308).
- What happens can be followed live: `GET /api/v1/events`, which stays open.
- Answers of 1 kB and more are compressed as Accept-Encoding has it (zstd, br, gzip), those under /auth/ never.
- A body is at most 32 deep, has at most 1,000 names and values, 100 names an object and 32,768 characters a string, and
  names nothing twice (400).
- An operation without a body takes none, or `{}`; another is refused (400). No body may have a Content-Encoding (415).
- Requests are limited: by the account of a valid token, else by address; failures under `/api/v1/auth/` more narrowly.
  The RateLimit headers of every answer tell what is left (draft-ietf-httpapi-ratelimit-headers-06); over it is 429.
- An operation on its way out says so in every answer: Deprecation (RFC 9745), Sunset (RFC 8594). None is.
- Headers have a size, a number (431) and a time to arrive (408). What is not HTTP/1.1 as RFC 9112 has it is 400, an
  unknown method or transfer coding 501, and each is the last answer of its connection.
"""
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The accessToken of register, login or refresh.",
}
_TAGS = [
    {"name": "auth", "description": "Accounts and sessions"},
    {"name": "users", "description": "The caller's profile"},
    {"name": "tasks", "description": "The caller's tasks; somebody else's do not exist"},
    {"name": "notifications", "description": "The caller's inbox"},
    {"name": "events", "description": "What happens to both, as it happens"},
    {"name": "operations", "description": "For operators and verifiers"},
]


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """The complete document of the routes."""
    made = get_openapi(
        title=TITLE,
        version=VERSION,
        description=_DESCRIPTION,
        routes=routes,
        tags=_TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = made["components"]
    unreferenced: list[type[BaseModel]] = [Problem, FieldError, InvalidProblem, NotReadyProblem, *KINDS.values()]
    schemas = _schemas()
    named = _with_referenced({*components["schemas"], *(model.__name__ for model in unreferenced)}, schemas)
    components["schemas"] = {name: schema for name, schema in sorted(schemas.items()) if name in named}
    components["securitySchemes"] = {"bearer": _BEARER}
    for name, path in made["paths"].items():
        if name.startswith("/api/"):
            for operation in path.values():
                operation.setdefault("parameters", []).append(PREFER)
        if content := path.get("patch", {}).get("requestBody", {}).get("content"):
            content[MERGE_PATCH] = content["application/json"]
    return made


def _with_referenced(names: set[str], schemas: Mapping[str, Any]) -> set[str]:
    """These schemas and all that they refer to."""
    found: set[str] = set()
    while new := names - found:
        found |= new
        names = {name for each in new for name in _REFERENCE.findall(str(schemas[each]))}
    return found


def _schemas() -> dict[str, Any]:
    """The schemas of every body and answer, from the models themselves: FastAPI drops the nulls of their examples."""
    bodies: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in _below(Body)]
    answers: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "serialization") for model in _below(Answer)]
    _, schemas = models_json_schema([*bodies, *answers], ref_template="#/components/schemas/{model}")
    definitions: dict[str, Any] = schemas["$defs"]
    return definitions


def _below(base: type[BaseModel]) -> list[type[BaseModel]]:
    return [model for child in base.__subclasses__() for model in (child, *_below(child))]
