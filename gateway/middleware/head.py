"""HEAD is GET without the body (RFC 9110, 9.3.2): the server leaves the body out, the routes need not know."""

from starlette.types import ASGIApp, Receive, Scope, Send

_HEAD = "primetrade.head"


def asked_by_head(scope: Scope) -> bool:
    """Whether what the application sees as GET is HEAD: for a route whose body has no end."""
    return _HEAD in scope


class Head:
    """Lets the application see HEAD as GET. The scope outside stays as it is, but learns which route served it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        inner = {**scope, "method": "GET", _HEAD: True}
        try:
            await self._app(inner, receive, send)
        finally:
            scope["route"] = inner.get("route")
