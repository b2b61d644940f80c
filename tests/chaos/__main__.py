"""A run of any length: `python -m tests.chaos`, or `make chaos KILLS=1000 SEED=7`; see settings.py.

Ends with 0 when no promise was broken. Otherwise it prints the evidence and keeps the folder with the data.
"""

import random

from tests.chaos.settings import ChaosSettings
from tests.chaos.trial import Trial


def main(settings: ChaosSettings) -> int:
    """The program; its status."""
    seed = random.randrange(1_000_000) if settings.seed is None else settings.seed
    report = Trial(seed, settings.kills, settings.people, settings.pause).run(lambda step: print(step, flush=True))
    if settings.record is not None:
        with settings.record.open("a") as document:
            document.write(f"\n{report.section()}")
    return 0 if report.sound else 1


if __name__ == "__main__":
    raise SystemExit(main(ChaosSettings()))
