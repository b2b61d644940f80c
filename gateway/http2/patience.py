"""How many frames that ask for nothing a client may send."""

from collections.abc import Callable


class Patience:
    """An account that frames draw on, and that answers and time fill again.

    What costs the server and brings nobody on is bounded so: streams that are asked for and reset (CVE-2023-44487),
    pings, settings, priorities, windows, data by the byte (CVE-2019-9511 to 9518). nghttp2 keeps a like account of
    resets, with 1,000 at once and 33 a second.
    """

    __slots__ = ("_at", "_clock", "_left")

    MOST = 1_000.0
    A_SECOND = 50.0

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._at, self._left = clock, clock(), self.MOST

    def spend(self, cost: int) -> bool:
        """Whether that could still be paid."""
        now = self._clock()
        self._left = min(self.MOST, self._left + (now - self._at) * self.A_SECOND) - cost
        self._at = now
        return self._left >= 0

    def earn(self, reward: int) -> None:
        """Something was asked and answered, and the frames that belong to it cost nothing."""
        self._left += reward
