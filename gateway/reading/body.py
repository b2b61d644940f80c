"""The body of a request as a model."""

import asyncio
from email.message import Message
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from chassis.deadline import remaining
from chassis.errors import Unreadable
from chassis.problem import UNSUPPORTED_MEDIA_TYPE, Problem, Row
from gateway.middleware.messages import unmeasured
from gateway.problems import Misread, Refused
from gateway.reading.json import read_object
from gateway.reading.violations import violations_of

B = TypeVar("B", bound=BaseModel)

MERGE_PATCH = "application/merge-patch+json"
BODY_SECONDS = 10.0
TOO_SLOW = Row(408, "request-timeout", "The request took too long to arrive")
_JSON = frozenset({"application/json"})
_PATCH = frozenset({"application/json", MERGE_PATCH})


async def read_body(request: Request, model: type[B]) -> B:
    """The body as the model.

    Raises Refused (408, 413, 415), Unreadable, or Misread with every violation.
    """
    _require_json(request)
    _require_no_coding(request)
    values = read_object(await _arrived(request))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Misread(violations_of(error)) from None


async def read_no_body(request: Request) -> None:
    """Nothing, or the `{}` that some clients send for it, of whatever type: such a route has no body.

    RFC 9110, 8.6: a request has one if it has a length or is chunked, or in HTTP/2 does not end with its head. Raises
    Refused (408, 413) or Unreadable.
    """
    if request.headers.get("content-length", "0") == "0" and not unmeasured(request.scope):
        return
    if (await _arrived(request)).strip() not in (b"", b"{}"):
        raise Unreadable("this takes no body")


def _require_no_coding(request: Request) -> None:
    codings = ",".join(request.headers.getlist("content-encoding")).lower().split(",")
    if {coding.strip() for coding in codings} - {"", "identity"}:
        detail = "The body must be sent as it is, without a Content-Encoding."
        raise Refused(Problem(UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept-Encoding": "identity"}))


def _require_json(request: Request) -> None:
    given = request.headers.get("content-type", "")
    accepted = _PATCH if request.method == "PATCH" else _JSON
    if given in accepted:
        return
    header = Message()
    header["content-type"] = given
    charset = str(header.get_param("charset", "utf-8")).lower()
    if not given or header.get_content_type() not in accepted or charset not in ("utf-8", "utf8"):
        known = " or ".join(sorted(accepted))
        raise Refused(Problem(UNSUPPORTED_MEDIA_TYPE, f"The Content-Type must be {known}, in UTF-8."))


async def _arrived(request: Request) -> bytes:
    parts = []
    try:
        async with asyncio.timeout(remaining(BODY_SECONDS)):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise Unreadable("the body ended early")
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise Refused(Problem(TOO_SLOW, "The body did not arrive in time.", headers={"Connection": "close"})) from None
