"""Answers: JSON as bytes made by hand, no response model at run time; ETag and conditions (RFC 9110, 8.8 and 13)."""

from collections.abc import Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import VersionMismatch, Violation
from chassis.problem import PRECONDITION_REQUIRED, Problem
from gateway.entity_tags import strong, tags, version_of
from gateway.problems import Misread, Refused

Json = dict[str, object]

_JSON = "application/json"


def answer(document: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The document as a response that nobody may keep."""
    return Response(orjson.dumps(document), status, headers, _JSON)


def resource(
    request: Request, document: Json, etag: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """One resource with its strong ETag; 304 when a GET has it already (If-None-Match)."""
    validators = {"etag": f'"{etag}"', "cache-control": "private, no-cache", **(headers or {})}
    given = _given(request, "if-none-match")
    if given is not None and request.method == "GET" and (known := _known(given, etag)):
        return Response(None, 304, {**validators, "etag": f'"{known}"'})
    return answer(document, status, validators)


def expected_etag(request: Request, kind: str, name: str) -> str:
    """The etag that If-Match demands; empty when any state will do.

    Raises Misread when the header is malformed or names several, VersionMismatch for a weak or empty tag: no
    resource has it. Raises Refused (428, RFC 6585) when there is none and the settings demand one.
    """
    given = _given(request, "if-match")
    if given is None and request.app.state.require_preconditions:
        detail = "If-Match must name the ETag that this changes, or be * for whatever there is."
        raise Refused(Problem(PRECONDITION_REQUIRED, detail))
    if given is None or given.strip() == "*":
        return ""
    tag = strong(given)
    if tag is None:
        raise Misread([Violation("If-Match", "must be one entity tag in double quotes, or *")])
    if not tag:
        raise VersionMismatch(kind, name)
    return version_of(tag)


def _given(request: Request, name: str) -> str | None:
    """The header, its lines as one (RFC 9110, 5.3); None when there is none."""
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None


def _known(given: str, etag: str) -> str:
    """The tag of that version that If-None-Match names, by weak comparison (RFC 9110, 13.1.2); empty if it does not."""
    if given.strip() == "*":
        return etag
    return next((tag for tag in tags(given) if version_of(tag) == etag), "")
