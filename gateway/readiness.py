"""Whether the gateway can serve, and which of its neighbours say that they cannot."""

import asyncio
import contextlib
from collections.abc import Mapping

import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis.background import Background
from chassis.errors import Error
from chassis.rpc.client import RpcFailed, ServiceChannel
from chassis.tokens import RemoteKeys
from gateway.deny_list import BEHIND, DenyList

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 1.0
_DEGRADED_SECONDS = 0.25
_WAIT_SECONDS = 0.8
_POLL_SECONDS = 0.05


class NeighbourWatch(Background):
    """Component: asks every neighbour's gRPC health once a second. `degraded` names those that did not say SERVING.

    A neighbour counts as degraded until it has said otherwise. While one is, they are asked more often, and its guard
    learns of its return.
    """

    name = "neighbour-watch"

    def __init__(self, channels: Mapping[str, ServiceChannel]) -> None:
        self._guards = {name: channel.guard for name, channel in channels.items()}
        self._stubs = {name: health_pb2_grpc.HealthStub(channel) for name, channel in channels.items()}
        self._serving: dict[str, bool] = dict.fromkeys(channels, False)

    @property
    def degraded(self) -> list[str]:
        """The neighbours that do not serve, by name."""
        return [name for name, serving in self._serving.items() if not serving]

    async def _run(self) -> None:
        while True:
            await asyncio.gather(*(self._ask(name) for name in self._stubs))
            await asyncio.sleep(_DEGRADED_SECONDS if self.degraded else _EVERY_SECONDS)

    async def _ask(self, name: str) -> None:
        serving = await self._says_serving(name)
        if serving != self._serving[name]:
            log.info("neighbour_changed", neighbour=name, serving=serving)
        self._serving[name] = serving
        if (guard := self._guards[name]) is not None:
            guard.heard(serving)

    async def _says_serving(self, name: str) -> bool:
        try:
            answer = await self._stubs[name].Check(
                health_pb2.HealthCheckRequest(),
                timeout=_WAIT_SECONDS,
                metadata=(),
            )
        except (Error, RpcFailed):
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class WhenReady:
    """Component, before the server: entering it waits until the gateway can serve, for so many seconds at most.

    What knocks before that is refused by the system, and a balancer goes elsewhere: an answer would be 503.
    """

    name = "when-ready"

    def __init__(self, readiness: "Readiness", seconds: float) -> None:
        self._readiness, self._seconds = readiness, seconds

    async def __aenter__(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._readiness.reached()

    async def __aexit__(self, *_: object) -> None:
        pass

    def background(self) -> tuple[()]:
        return ()


class Readiness:
    """The health of the gateway itself: it serves when it can judge a token and is not on its way out."""

    def __init__(self, keys: RemoteKeys, deny_list: DenyList, watch: NeighbourWatch) -> None:
        self._keys, self._deny_list, self._watch = keys, deny_list, watch
        self._draining = False

    async def serving(self) -> None:
        self._draining = False

    async def draining(self) -> None:
        self._draining = True

    async def reached(self) -> None:
        """Return when the gateway can serve."""
        while True:
            if not self.refusal:
                return
            await asyncio.sleep(_POLL_SECONDS)

    @property
    def refusal(self) -> str:
        """Why the gateway cannot serve; empty when it can."""
        if self._draining:
            return "draining"
        if not self._keys.known:
            return "the signing keys are not known yet"
        return BEHIND if self._deny_list.behind else ""

    @property
    def degraded(self) -> list[str]:
        """The neighbours that do not serve, by name."""
        return self._watch.degraded
