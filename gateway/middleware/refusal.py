"""What the connection refused before it was a request is answered like every other refusal."""

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.problems import Refused

REFUSAL = "primetrade.refusal"
"""Where a scope holds the problem that the connection found."""


class Refusal:
    """Raises the problem that the connection found, if any, as Refused."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (problem := scope.get(REFUSAL)) is not None:
            raise Refused(problem)
        await self._app(scope, receive, send)
