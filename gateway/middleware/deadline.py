"""Every request has a deadline, which goes along with each call made for it."""

from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.deadline import within


class Deadline:
    """Lets nothing that is asked of a neighbour outlast `seconds` from now."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with within(self._seconds):
            await self._app(scope, receive, send)
