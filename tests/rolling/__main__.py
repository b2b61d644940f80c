"""A run of any length: `python -m tests.rolling`, or `make rolling REQUESTS=20000 ROUNDS=4`; see settings.py.

Ends with 0 when no request failed and no write was lost or doubled. Otherwise it keeps the folder with the data.
"""

from tests.rolling.settings import RollingSettings
from tests.rolling.trial import run


def main(settings: RollingSettings) -> int:
    """The program; its status."""
    report = run(settings, lambda step: print(step, flush=True))
    if settings.record is not None:
        with settings.record.open("a") as document:
            document.write(f"\n{report.section()}")
    return 0 if report.sound else 1


if __name__ == "__main__":
    raise SystemExit(main(RollingSettings()))
