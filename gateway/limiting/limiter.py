"""Counting requests against quotas, in fixed windows (ADR 0019)."""

import math
from collections import Counter
from dataclasses import dataclass
from zlib import crc32

from limits.aio.storage import Storage

from chassis.clock import Clock
from chassis.telemetry import metrics
from gateway.limiting.quota import Quota
from gateway.limiting.shared_counters import Away, SharedCounters

_HELD_SECONDS = 1
"""When to come back while others in flight hold what is left of a quota."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A quota that everybody has of their own. With `failures_only` a request gives back what it took if it succeeds.

    `rule` says it to who has used it up.
    """

    name: str
    quota: Quota
    rule: str
    failures_only: bool = False


@dataclass(slots=True)
class Standing:
    """How a caller stands with a policy, the request at hand counted. `reset`: seconds until the quota is whole."""

    policy: Policy
    key: str
    count: int
    reset: int
    counters: Storage | SharedCounters
    held: bool = False

    @property
    def refused(self) -> bool:
        """Whether this request is one too many."""
        return self.count > self.policy.quota.requests

    @property
    def remaining(self) -> int:
        """How many more are allowed in this window."""
        return max(0, self.policy.quota.requests - self.count)


class Limiter:
    """Counts in Redis while that is there, else in this process. Decisions are measured, and those made alone apart.

    A window is a stretch of the clock, so that its end is known without asking, and what is given back late cannot
    reach the next one. Everybody's begin at another moment.
    """

    def __init__(self, own: Storage, shared: SharedCounters | None, clock: Clock) -> None:
        self._own, self._shared, self._clock = own, shared, clock
        self._held: Counter[str] = Counter()
        """By key the requests in flight here that may still give back what they took."""

    async def take(self, policy: Policy, who: str) -> Standing:
        """Count a request. Of a policy that counts failures only, `settle` it when its outcome is known, then `release`
        it."""
        seconds = policy.quota.seconds
        name = f"{policy.name}/{seconds}/{who}"
        window, elapsed = divmod(self._clock.now().timestamp() + crc32(name.encode()) % seconds, seconds)
        standing = await self._counted(policy, f"{name}/{window:.0f}", math.ceil(seconds - elapsed))
        metrics.rate_limited.labels(policy.name, "refused" if standing.refused else "passed").inc()
        if policy.failures_only:
            await self._hold(standing)
        return standing

    async def settle(self, standing: Standing, failed: bool) -> None:
        """The outcome of a request that was taken: one that did not fail gives back what it took."""
        if standing.held and not failed:
            standing.count = await self._given_back(standing)
        self.release(standing)

    def release(self, standing: Standing) -> None:
        """It has ended, however that was; if it is not settled, it stays counted."""
        if standing.held:
            standing.held = False
            self._held[standing.key] -= 1
            if not self._held[standing.key]:
                del self._held[standing.key]

    async def _counted(self, policy: Policy, key: str, reset: int) -> Standing:
        if self._shared is not None:
            try:
                count = await self._shared.incr(key, policy.quota.seconds)
                return Standing(policy, key, count, reset, self._shared)
            except Away:
                metrics.rate_limit_fallbacks.inc()
        count = await self._own.incr(key, policy.quota.seconds)
        return Standing(policy, key, count, reset, self._own)

    async def _hold(self, standing: Standing) -> None:
        """Take from those in flight, unless there is nothing left: then the refusal itself takes nothing."""
        if not standing.refused:
            standing.held = True
            self._held[standing.key] += 1
            return
        await self._given_back(standing)
        if self._held[standing.key]:
            standing.reset = _HELD_SECONDS

    async def _given_back(self, standing: Standing) -> int:
        """To where it was taken from. If that is away, it is lost: then a success counts."""
        try:
            return await standing.counters.incr(standing.key, standing.policy.quota.seconds, -1)
        except Away:
            return standing.count
