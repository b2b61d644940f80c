"""What an operation answers, for the OpenAPI document: each status with its schema, headers and an example."""

from collections.abc import Mapping, Set
from typing import Any

from pydantic import BaseModel

from chassis import problem
from chassis.errors import (
    AlreadyExists,
    DeadlineExceeded,
    Error,
    Exhausted,
    Gone,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
    Unreadable,
    VersionMismatch,
    Violation,
)
from chassis.problem import CONTENT_TYPE, Problem
from gateway.framing import HEAD_TOO_LARGE
from gateway.problems import problem_for
from gateway.reading.body import TOO_SLOW
from gateway.reading.key import HEADER, PATTERN

Responses = dict[int | str, dict[str, Any]]

_TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
_ID = "0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11"
_SAMPLES: dict[int, Error | Problem | Exception] = {
    400: Unreadable("the body is not JSON: Expecting value at line 1, column 1"),
    401: Unauthenticated("the access token has expired"),
    404: NotFound("task", _ID),
    408: Problem(TOO_SLOW, "The body did not arrive in time."),
    409: AlreadyExists("account", "ada@example.com"),
    410: Gone("task", _ID),
    412: VersionMismatch("task", _ID),
    413: Problem(problem.TOO_LARGE, "A body may have at most 1048576 bytes."),
    415: Problem(problem.UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be application/json, in UTF-8."),
    422: Invalid([Violation("title", "is required"), Violation("colour", "is not known here")]),
    428: Problem(problem.PRECONDITION_REQUIRED, "If-Match must name the ETag that this changes, or be *."),
    429: Exhausted("An address may send 100 requests in 900 seconds; Retry-After says when to try again.", 432),
    431: Problem(HEAD_TOO_LARGE, "Request line and headers may have at most 65536 bytes together."),
    500: RuntimeError(),
    503: Unavailable("", 1),
    504: DeadlineExceeded(),
}
_HEADERS = {
    "WWW-Authenticate": ("how to authenticate (RFC 6750)", "string"),
    "Retry-After": ("seconds after which to try again", "integer"),
    "ETag": (
        "changes with every change of the resource; for If-Match and If-None-Match. Compressed it is another, "
        "which names the same version there",
        "string",
    ),
    "Location": ("the path of the new resource", "string"),
}
_LIMITS = {
    "RateLimit-Limit": ("requests in a window, of the policy with the least left", "integer", 100),
    "RateLimit-Remaining": ("how many of these are left", "integer", 57),
    "RateLimit-Reset": ("seconds until all of them are there again", "integer", 432),
    "RateLimit-Policy": ("the policies that counted: requests, and the seconds of their window", "string", "100;w=900"),
}
_ALWAYS = (400, 408, 413, 422, 429, 431, 500, 503, 504)


def answers(
    success: Mapping[int, type[BaseModel] | None],
    *refusals: int,
    protected: bool = True,
    body: bool = False,
    headers: tuple[str, ...] = (),
) -> Responses:
    """The responses of an operation: its own, its refusals, and those that every one of its kind can give."""
    own = {status: _success(status, model, headers) for status, model in success.items()}
    common = {
        *_ALWAYS,
        *refusals,
        *((401,) if protected else ()),
        *((415,) if body else ()),
        *((428,) if 412 in refusals else ()),
    }
    return {**own, **{status: _refusal(status) for status in sorted(common)}}


def refusals(*statuses: int, besides: Set[int] = frozenset()) -> Responses:
    """The refusals of an operation with a token and without a body, but those that it never gives."""
    return {status: _refusal(status) for status in sorted({*_ALWAYS, *statuses, 401} - besides)}


def headers_of(*names: str) -> dict[str, Any]:
    """The documentation of response headers."""
    return {
        name: {"description": _HEADERS[name][0], "required": True, "schema": {"type": _HEADERS[name][1]}}
        for name in names
    }


def headers_of_limits() -> dict[str, Any]:
    """The fields of draft-ietf-httpapi-ratelimit-headers-06; a gateway without limits leaves them out."""
    return {
        name: {"description": told, "required": False, "schema": {"type": kind}, "example": example}
        for name, (told, kind, example) in _LIMITS.items()
    }


IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "the ETag that the resource must still have, else 412; some gateways demand it (428)",
    "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[\u0021\u0023-\u007e]*")$'},
    "example": '"3"',
}
IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "for 24 hours, repeats of this request have no further effect and get the resource as it stands, "
    "410 when it was deleted; with anything else of the request changed, 422 with the code key-reused. 1 to 255 "
    "characters of printable ASCII in double quotes, or one word without; a UUID of its own for each request is best",
    "schema": {"type": "string", "pattern": PATTERN},
    "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "the ETag that the client has already: answered with 304 while it is current",
    "schema": {"type": "string"},
    "example": '"3"',
}

PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`wait=N` (RFC 7240): give up after N seconds (504), if that is sooner than the gateway would. "
    "`server-timing`: say in Server-Timing where the time went, except under /auth/. Each that is applied is named in "
    "Preference-Applied; others are passed over.",
    "schema": {"type": "string"},
    "example": "wait=5, server-timing",
}


def _success(status: int, model: type[BaseModel] | None, headers: tuple[str, ...]) -> dict[str, Any]:
    own = headers_of(*(name for name in headers if status == 201 or name != "Location"))
    described: dict[str, Any] = {"description": _DESCRIPTIONS[status], "headers": {**own, **headers_of_limits()}}
    return described if model is None else {**described, "model": model}


_DESCRIPTIONS = {200: "Done", 201: "Created", 204: "Done; there is nothing to say", 304: "The client has it already"}


def _refusal(status: int) -> dict[str, Any]:
    sample = _SAMPLES[status]
    shown = sample if isinstance(sample, Problem) else problem_for(sample)
    schema = "InvalidProblem" if status == 422 else "Problem"
    own = headers_of(*(name for name in shown.headers if name in _HEADERS))
    return {
        "description": shown.row.title,
        "headers": {**own, **(headers_of_limits() if status == 429 else {})},
        "content": {
            CONTENT_TYPE: {
                "schema": {"$ref": f"#/components/schemas/{schema}"},
                "example": shown.body(f"/api/v1/tasks/{_ID}", _TRACE_ID),
            }
        },
    }
