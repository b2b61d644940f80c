"""Counters in the memory of this process."""

from collections import OrderedDict

from limits.aio.storage import Storage

from chassis.clock import Clock

COUNTERS = 100_000
"""How many are kept; beyond them the oldest go. Each takes about 300 bytes."""


class ProcessCounters(Storage):
    """A storage of `limits` whose every call takes the same short time, by a clock of ours.

    The library's own goes through all of its keys whenever one is counted.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock, size: int = COUNTERS) -> None:
        super().__init__()
        self._clock, self._size = clock, size
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """By key how much was counted, and until when it is kept; in the order in which they began."""

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError  # none is raised

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount`, which may be negative; the counter ends `expiry` seconds after its first count."""
        now = self._clock.now().timestamp()
        count, ends = self._counters.get(key, (0, 0.0))
        if ends <= now:
            self._counters.pop(key, None)
            self._make_room(now)
            count, ends = 0, now + expiry
        count = max(count + amount, 0)
        self._counters[key] = (count, ends)
        return count

    async def get(self, key: str) -> int:
        count, ends = self._counters.get(key, (0, 0.0))
        return count if ends > self._clock.now().timestamp() else 0

    async def get_expiry(self, key: str) -> float:
        return self._counters.get(key, (0, self._clock.now().timestamp()))[1]

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        count = len(self._counters)
        self._counters.clear()
        return count

    async def clear(self, key: str) -> None:
        self._counters.pop(key, None)

    def _make_room(self, now: float) -> None:
        while self._counters:
            _, ends = next(iter(self._counters.values()))
            if ends > now and len(self._counters) < self._size:
                return
            self._counters.popitem(last=False)
