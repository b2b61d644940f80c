"""`python -m benchmarks.monolith.quick`, or `make bench-quick`: the mix, held to the ratio that was recorded.

It fails below four fifths of that: less is within what one run differs from another.
"""

import json
import sys
import tempfile
from itertools import starmap
from pathlib import Path

from pydantic import Field

from benchmarks.monolith.__main__ import measured
from benchmarks.monolith.comparison import ratio
from benchmarks.monolith.run import WENT_WRONG, name_of
from benchmarks.monolith.settings import RESULTS, AtOnce, BenchSettings, Operations
from chassis.settings import read_settings

LEAST = 0.8


class QuickSettings(BenchSettings):
    """Enough of everything to tell a step back from the noise, in two minutes. RESULTS is where the ratios are."""

    ops: Operations = ("mix",)
    c: AtOnce = (32,)
    people: int = Field(default=100, ge=1)
    requests: int = Field(default=400, ge=8)


def recorded(results: Path, name: str) -> float:
    """The ratio that the last whole run found of a measure. Raises LookupError when there is none."""
    try:
        return float(json.loads(results.read_text())["ratios"][name]["cpu"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LookupError(f"{results} has no ratio of {name}: run make bench") from error


def verdict(name: str, found: float, before: float) -> tuple[bool, str]:
    """Whether the ratio is good enough, and why."""
    good = found >= before * LEAST
    line = f"{name}: {found:.2f} × the peer, recorded {before:.2f}, at least {before * LEAST:.2f}"
    return good, line if good else f"{line}: the suite has become dearer, or the peer cheaper"


def main() -> int:
    """The command; its status."""
    settings = read_settings(QuickSettings)
    try:
        before = {name: recorded(settings.results or RESULTS, name) for name in starmap(name_of, settings.plan)}
        with tempfile.TemporaryDirectory(prefix="primetrade-bench-") as folder:
            found = measured(settings, Path(folder))
    except (LookupError, *WENT_WRONG) as error:
        print(error, file=sys.stderr)
        return 1
    verdicts = [verdict(name, ratio(rounds), before[name]) for name, rounds in found.measured.items()]
    for _, line in verdicts:
        print(line)
    return 0 if all(good for good, _ in verdicts) else 1


if __name__ == "__main__":
    raise SystemExit(main())
