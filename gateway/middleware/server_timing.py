"""Where the time of a request went, for a client that asks (W3C Server Timing)."""

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.rpc.waits import waits
from gateway.middleware.messages import AUTH, Headers, on_start
from gateway.reading.prefer import preferences

_NAME = "server-timing"


class ServerTiming:
    """Answers `Prefer: server-timing` with the milliseconds spent on services, and with those of the whole request.

    Never under /auth/: how long a password takes to be found wrong is no business of who guesses it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _NAME not in preferences(scope) or scope["path"].startswith(AUTH):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        with waits() as waited:

            def tell(_: int, headers: Headers) -> None:
                total = time.perf_counter() - started
                said = f"upstream;dur={waited.seconds * 1000:.2f}, total;dur={total * 1000:.2f}"
                headers.append((b"server-timing", said.encode()))
                headers.append((b"preference-applied", _NAME.encode()))

            await self._app(scope, receive, on_start(send, tell))
