"""How a gateway learns which sessions ended: it hears their events, and asks auth for what it did not hear.

Every instance hears for itself, without a group, from its start on. So it asks auth first, and again after every gap:
once the topic is read from a position that is certain, so that what ends meanwhile is heard, and what ended before is
durable at auth and therefore told (an event is never published before). While Kafka does not answer, auth is asked
every second instead.
"""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta

import structlog
from primetrade.auth.v1 import auth_pb2, auth_pb2_grpc, events_pb2

from chassis.background import Background
from chassis.clock import Clock
from chassis.errors import Error
from chassis.events.envelope import Event
from chassis.rpc.client import RpcFailed, ServiceChannel
from chassis.telemetry import metrics
from gateway.deny_list import DenyList

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
STALE_SECONDS = 3.0
"""The list is asked for when nobody has confirmed it for so long: a broker that answers does so every second or two."""
ANYWAY_SECONDS = 60.0
"""And it is asked for so often whatever is heard: an event that auth cannot publish is known by then."""
OVERLAP = timedelta(seconds=60)
"""How much of what auth has told before is asked for again: a session's end is dated before it is durable, and the
clocks of two auth processes may differ."""


class Revocations(Background):
    """Component: keeps the deny list whole. It handles SessionRevoked, and follows the broadcast that hears them."""

    name = "revocations"

    def __init__(self, channel: ServiceChannel, deny_list: DenyList, clock: Clock) -> None:
        self._stub = auth_pb2_grpc.AuthServiceStub(channel)
        self.deny_list, self._clock = deny_list, clock
        self._asked_at = float("-inf")
        self._answered = True
        self._newest: datetime | None = None
        # Stands for the time since when the topic is read without a gap; None while it is not.
        self._hearing: object | None = None
        self._hears = False
        self._wake = asyncio.Event()

    @property
    def hears(self) -> bool:
        """Whether nothing has to be asked for: every end of a session is heard, and none was missed."""
        return self._hears

    async def revoked(self, event: Event, message: events_pb2.SessionRevoked) -> None:
        """A session ended."""
        self.deny_list.add(message.session_id, event.time.timestamp())

    def missing(self) -> None:
        if self._hears:
            log.warning("deny_list_fed", by="auth")
            self._wake.set()
        self._hearing, self._hears = None, False

    def caught_up(self, until: float) -> None:
        if self._hears:
            self.deny_list.confirm(until)
        elif self._hearing is None:
            self._hearing = object()
            self._wake.set()

    async def _run(self) -> None:
        while True:
            if self._due():
                await self._ask()
            self.deny_list.forget()
            self._measure()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    def _due(self) -> bool:
        since = time.monotonic() - self._asked_at
        return not self._hears or self.deny_list.age > STALE_SECONDS or since > ANYWAY_SECONDS

    async def _ask(self) -> None:
        self._asked_at, hearing = time.monotonic(), self._hearing
        try:
            await self._learn()
        except (Error, RpcFailed) as error:
            if self._answered:
                log.warning("deny_list_not_told", error=str(error))
            self._answered = False
            return
        self._answered = True
        self.deny_list.confirm(self._asked_at)
        if not self._hears and hearing is not None and hearing is self._hearing:
            log.info("deny_list_fed", by="kafka")
            self._hears = True

    async def _learn(self) -> None:
        """Put into the list what auth has not told yet, a page at a time. Raises Error or RpcFailed."""
        request, newest = auth_pb2.ListRevokedSessionsRequest(), self._newest
        if newest is not None:
            request.start_time.FromDatetime(newest - OVERLAP)
        while True:
            page = await self._stub.ListRevokedSessions(request, metadata=())
            self.deny_list.keep_for(page.retention.ToTimedelta())
            for session in page.revoked_sessions:
                newest = session.revoke_time.ToDatetime(UTC)
                self.deny_list.add(session.session_id, newest.timestamp())
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        # One auth process whose clock is far ahead must not hide what the others tell.
        self._newest = min(newest, self._clock.now()) if newest is not None else None

    def _measure(self) -> None:
        metrics.deny_list_sessions.set(len(self.deny_list))
        metrics.deny_list_age.set(self.deny_list.age)
        metrics.deny_list_heard.set(self._hears)
