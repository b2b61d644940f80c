"""No more requests at once than the gateway can hold: the rest are told to come back."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.errors import Unavailable
from gateway.middleware.messages import EVENTS

_SMALL = 65_536


class InFlight:
    """Refuses API requests above the limit as Unavailable. Health, metrics and documentation always answer.

    A request takes a place from its head until its answer is there, but for the time that it waits for the first 64 kB
    of its body, which is no more than a head may have: clients that send or read slowly hold no place from others. One
    whose body comes while all places are taken is refused then. Streams have a limit of their own.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/api/") or scope["path"] == EVENTS:
            await self._app(scope, receive, send)
            return
        self._take()
        placed, arrived = True, 0

        async def receiving() -> Message:
            nonlocal placed, arrived
            if not placed or arrived > _SMALL:
                return await receive()
            self._count, placed = self._count - 1, False
            message = await receive()
            arrived += len(message.get("body", b""))
            self._take()
            placed = True
            return message

        async def sending(message: Message) -> None:
            nonlocal placed
            if placed:
                self._count, placed = self._count - 1, False
            await send(message)

        try:
            await self._app(scope, receiving, sending)
        finally:
            if placed:
                self._count -= 1

    def _take(self) -> None:
        if self._count >= self._limit:
            raise Unavailable(f"{self._limit} requests are being served already")
        self._count += 1
