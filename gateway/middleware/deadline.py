"""Every request has a deadline, which goes along with each call made for it."""

from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.deadline import within
from gateway.middleware.messages import EVENTS, on_start
from gateway.reading.prefer import wait_of


class Deadline:
    """Lets nothing that is asked of a neighbour outlast `seconds` from now, or the client's own patience.

    `Prefer: wait=N` (RFC 7240, 4.3) can make it shorter, never longer; it is answered with Preference-Applied. A stream
    has none.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == EVENTS:
            await self._app(scope, receive, send)
            return
        wait = wait_of(scope)
        if wait is None or wait >= self._seconds:
            with within(self._seconds):
                await self._app(scope, receive, send)
            return
        applied = (b"preference-applied", b"wait=%d" % wait)
        with within(wait):
            await self._app(scope, receive, on_start(send, lambda _, headers: headers.append(applied)))
