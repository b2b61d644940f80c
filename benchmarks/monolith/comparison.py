"""What the figures of both sides say of each other."""

from collections.abc import Mapping

from benchmarks.monolith.sides import ANSWERED, CPU, PEER, SUITE
from benchmarks.rounds import Rounds, spread


def ratio(rounds: Rounds, figure: str = CPU) -> float:
    """How many times the suite's is the peer's CPU of a request, medians of the rounds: above 1 the suite wins.

    The peer publishes nothing, so that all of its CPU stands against any part of the suite's.
    """
    suite = spread(rounds[SUITE], figure).median
    return spread(rounds[PEER], CPU).median / suite if suite else float("inf")


def ratios(measured: Mapping[str, Rounds]) -> dict[str, dict[str, float]]:
    """Of every measure: of all CPU, and of that until the last answer."""
    return {
        name: {"cpu": round(ratio(rounds), 3), "cpu until answered": round(ratio(rounds, ANSWERED), 3)}
        for name, rounds in measured.items()
    }
