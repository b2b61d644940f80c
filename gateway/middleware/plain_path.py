"""No path of ours has an encoded slash: one that comes is no separator."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.problem import NO_ROUTE, Problem
from gateway.problems import Refused

_ENCODED = re.compile(rb"%(?:2f|5c)", re.IGNORECASE)


class PlainPath:
    """Refuses (404) a path with %2F or %5C, which the server has decoded before anything is routed.

    RFC 3986, 2.2: encoded and plain they are not the same, and what filters paths in front of us keeps to that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _ENCODED.search(scope["raw_path"]):
            raise Refused(Problem(NO_ROUTE, "Nothing is served at this path."))
        await self._app(scope, receive, send)
