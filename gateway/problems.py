"""Problem documents as responses, and the names under which REST clients know the fields of the contracts."""

from dataclasses import replace

import orjson
from pydantic.alias_generators import to_camel
from starlette.responses import Response
from starlette.types import Scope

from chassis.errors import DeadlineExceeded, Invalid, Unavailable
from chassis.problem import CONTENT_TYPE, Problem, problem_of
from chassis.telemetry.traces import current_trace

_NAMES = {
    "create_time": "createdAt",
    "update_time": "updatedAt",
    "complete_time": "completedAt",
    "due_time": "dueDate",
    "read_time": "readAt",
    "page_size": "limit",
    "skip": "page",
    "order_by": "sort",
    "read_mask": "fields",
    "etag": "If-Match",
    "request_id": "Idempotency-Key",
}
_RESOURCES = ("task.", "profile.", "notification.")
# What these two say is for operators: it names machines and methods.
_NEUTRAL = {
    Unavailable: "This cannot be served now. Try again after the time that Retry-After gives.",
    DeadlineExceeded: "The answer did not come in time. Whether the request was carried out is not known.",
}


MAX_ERRORS = 50
"""How many broken rules a problem names; its detail counts them all."""


class Refused(Exception):
    """A refusal that only HTTP knows: too large, not JSON, …"""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


class Misread(Invalid):
    """What the gateway itself finds wrong: the fields have the client's names already."""


def field_name(path: str) -> str:
    """The client's name of a field of a gRPC request: `task.due_time` is `dueDate`."""
    for resource in _RESOURCES:
        path = path.removeprefix(resource)
    return _NAMES.get(path) or to_camel(path)


def problem_for(error: Exception) -> Problem:
    """The problem of an error; of a bug nothing but that it is one."""
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, Misread):
        return _shortened(problem_of(Invalid(error.violations)))
    problem = _shortened(problem_of(error, field_name))
    neutral = _NEUTRAL.get(type(error))
    return replace(problem, detail=neutral) if neutral else problem


def problem_response(problem: Problem, scope: Scope) -> Response:
    """The response that says the problem to the request of that scope."""
    trace = current_trace()
    body = problem.body(_path(scope), f"{trace.trace_id:032x}" if trace else "")
    return Response(orjson.dumps(body), problem.row.status, dict(problem.headers), CONTENT_TYPE)


def _shortened(problem: Problem) -> Problem:
    errors = problem.facts.get("errors", ())
    if len(errors) <= MAX_ERRORS:
        return problem
    detail = f"{problem.detail}; the first {MAX_ERRORS} are named"
    return replace(problem, detail=detail, facts={**problem.facts, "errors": errors[:MAX_ERRORS]})


def _path(scope: Scope) -> str:
    """The path as it was sent, without the query: that may hold what nobody should read."""
    raw: bytes = scope.get("raw_path") or b""
    return raw.decode("ascii", "replace")
