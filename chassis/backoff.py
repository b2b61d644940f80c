"""How long to wait before the next attempt: exponential, capped, full jitter.

Source: Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): full jitter spreads those who wait for
the same thing best.
"""

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays in seconds, drawn evenly between 0 and `first` × 2ⁿ, never above `cap`."""

    first: float
    cap: float
    dice: random.Random = field(default_factory=random.Random, repr=False, compare=False)

    def delay(self, attempts: int) -> float:
        """The wait after so many failed attempts (1 or more)."""
        # The exponent is bounded: attempts may go on for days, and 2.0 ** 1025 overflows.
        return self.dice.uniform(0, min(self.cap, self.first * 2.0 ** min(attempts - 1, 64)))
