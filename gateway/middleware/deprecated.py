"""Every answer of a deprecated route says so, whatever it is and whoever gives it."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.middleware.messages import Headers, on_start
from gateway.reading.route import Public


def leaving(routes: Sequence[BaseRoute]) -> list[Public]:
    """Those of the routes that are deprecated."""
    return [route for route in routes if isinstance(route, Public) and route.deprecation]


class Deprecated:
    """Adds Deprecation and Sunset to the answers of these routes. A gateway that has none is built without it."""

    def __init__(self, app: ASGIApp, routes: Sequence[Public]) -> None:
        self._app = app
        self._routes = [(route, route.deprecation.headers()) for route in routes if route.deprecation]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said = self._said(scope)
        await self._app(scope, receive, on_start(send, lambda _, headers: headers.extend(said)) if said else send)

    def _said(self, scope: Scope) -> Headers:
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        return next((said for route, said in self._routes if route.matches(asked)[0] is Match.FULL), [])
