"""The header Last-Event-ID (WHATWG HTML, 9.2.4)."""

from starlette.requests import Request

from chassis.errors import Violation
from gateway.problems import Misread
from gateway.streaming.cursor import HEADER, Cursor, Malformed, decoded


def last_event(request: Request) -> Cursor | None:
    """Where the client is; None when it is new. Raises Misread for what is no id of ours."""
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1:
        raise Misread([Violation(HEADER, "must be given once")])
    try:
        return decoded(given[0].strip(" \t"))
    except Malformed:
        raise Misread([Violation(HEADER, "must be an id that came with an event")]) from None
