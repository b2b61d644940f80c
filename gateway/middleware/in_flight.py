"""No more requests at once than the gateway can hold: the rest are told to come back."""

from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.errors import Unavailable
from gateway.middleware.messages import EVENTS


class InFlight:
    """Refuses API requests above the limit as Unavailable. Health, metrics and documentation always answer.

    Streams have a limit of their own.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/api/") or scope["path"] == EVENTS:
            await self._app(scope, receive, send)
            return
        if self._count >= self._limit:
            raise Unavailable(f"{self._limit} requests are being served already")
        self._count += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._count -= 1
