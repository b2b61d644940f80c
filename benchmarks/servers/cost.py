"""CPU of the server process, user and system, for each request."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial

from benchmarks.rounds import Arm, Figures
from benchmarks.servers import arms
from benchmarks.servers.client import asking

CPU = "CPU-ms/request"
_WARM_UP = 400


def measures(requests: int, servers: Sequence[arms.Arm] = arms.ARMS) -> Mapping[str, Arm]:
    """A measure for each server."""
    return {arm.name: partial(_measured, arm, requests) for arm in servers}


async def _measured(arm: arms.Arm, requests: int) -> Figures:
    async with arms.running(arm) as server, AsyncExitStack() as stack:
        ask = await asking(server.port, arm.h2, stack)
        await ask(_WARM_UP)
        # Hypercorn counts the requests of a connection in HTTP/2, and ends it at the thousandth.
        each, done, began = 400, _WARM_UP, server.cpu()
        count = 0
        while count < requests:
            if arm.h2 and done + each > 900:
                ask, done = await asking(server.port, arm.h2, stack), 0
            answered = await ask(each)
            if answered != each:
                raise ConnectionError(f"{arm.name} answered {answered} of {each}")
            count, done = count + each, done + each
        return {CPU: (server.cpu() - began) / count * 1000}
