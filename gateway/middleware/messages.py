"""What several wrappers need of ASGI messages."""

from collections.abc import Callable, MutableSequence

from starlette.types import Message, Scope, Send

Headers = MutableSequence[tuple[bytes, bytes]]

UNMEASURED = "primetrade.unmeasured"
"""What the scope of a request in HTTP/2 has whose body is still to come: there are no chunks to tell it by."""

AUTH = "/api/v1/auth/"
"""Where passwords come in and tokens go out."""

EVENTS = "/api/v1/events"
"""Where an answer has no end: it takes no place among the requests in flight, has no deadline and is not timed."""


def header(scope: Scope, name: bytes) -> bytes:
    """The first header of that lower-case name, or nothing."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


def unmeasured(scope: Scope) -> bool:
    """Whether a body may come whose length nothing tells."""
    return UNMEASURED in scope or bool(header(scope, b"transfer-encoding"))


def on_start(send: Send, act: Callable[[int, Headers], None]) -> Send:
    """A send that shows the status and the headers of the response to `act`, which may add some."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"] = list(message.get("headers", ()))
            act(message["status"], headers)
        await send(message)

    return sending


def route_template(scope: Scope) -> str:
    """The template of the route that served the request; one name for every path that has none."""
    route = scope.get("route")
    return getattr(route, "path", "unmatched")
