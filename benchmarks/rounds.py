"""Arms measured in turn, A B A B, so that whatever else the machine does falls on all of them alike."""

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

Figures = Mapping[str, float]
"""What one round of one arm measured, by name with its unit."""

Arm = Callable[[], Awaitable[Figures]]
Rounds = Mapping[str, Sequence[Figures]]


async def interleaved(arms: Mapping[str, Arm], rounds: int) -> Rounds:
    """So many rounds of every arm, one after the other."""
    measured: dict[str, list[Figures]] = {name: [] for name in arms}
    for number in range(1, rounds + 1):
        for name, arm in arms.items():
            measured[name].append(await arm())
            told = ", ".join(f"{figure} {value:.4g}" for figure, value in measured[name][-1].items())
            print(f"round {number}/{rounds}  {name}: {told}", flush=True)
    return measured


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, and the least and the most of them."""

    median: float
    least: float
    most: float

    def times(self, base: "Spread") -> str:
        """How many times the base's median this one is; unknown of a base that was too little to be seen: the clock of
        a process ticks in hundredths of a second."""
        return f"{self.median / base.median:.1f}" if base.median else "unknown"

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.least)}–{_short(self.most)})"


def spread(rounds: Sequence[Figures], figure: str) -> Spread:
    """One figure over all rounds of an arm."""
    values = [measured[figure] for measured in rounds]
    return Spread(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent, to a tenth, do not exceed."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(percent * 10) - 1]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
