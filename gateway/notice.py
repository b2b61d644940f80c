"""A gateway that is about to leave says so, and is found by those who have not heard it for a while."""

import asyncio

from gateway.server import HttpServer


class Notice:
    """Component, the last to be entered and so the first to be left: then it is given.

    For so many seconds everything goes on, but `/readyz` says 503, so that a balancer that asks for it sends nobody
    more, and every answer closes its connection: nobody is about to use one when the server closes those that are idle.
    """

    name = "notice"

    def __init__(self, seconds: float, server: HttpServer) -> None:
        self._seconds, self._server = seconds, server
        self._given = False

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        await self.give()

    async def give(self) -> None:
        """Say it, and return when it has had its time; at once when that has been before."""
        if not self._given:
            self._given = True
            self._server.say_farewell()
            await asyncio.sleep(self._seconds)

    def background(self) -> tuple[()]:
        return ()
