"""The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07) as the `request_id` of a call."""

import re

from starlette.requests import Request

from chassis.errors import Violation
from gateway.problems import Misread

HEADER = "Idempotency-Key"

_STRING = r'"(?:[ !#-\[\]-~]|\\["\\]){1,255}"'
"""What the draft asks for: a String of RFC 9651, 3.3.3."""
_WORD = r"[!#-+\--:<-~]{1,255}"
"""What most clients send instead: no quotes. A comma or a semicolon would make a list or parameters of it."""
PATTERN = f"^(?:{_STRING}|{_WORD})$"

_KEY = re.compile(PATTERN)
_ESCAPED = re.compile(r"\\(.)")


def idempotency_key(request: Request) -> str:
    """The key, the same with quotes and without; empty when there is none. Raises Misread."""
    given = request.headers.getlist(HEADER)
    if not given:
        return ""
    if len(given) > 1:
        raise Misread([Violation(HEADER, "must be given once")])
    value = given[0].strip(" \t")
    if not _KEY.fullmatch(value):
        message = "must be 1 to 255 characters of printable ASCII in double quotes, or one word without"
        raise Misread([Violation(HEADER, message)])
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
