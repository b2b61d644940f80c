"""What a benchmark leaves behind: every figure of every round as JSON, and a page that says what they mean."""

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def command(package: str, says: str | None, page: str) -> argparse.ArgumentParser:
    """`python -m PACKAGE`: how many rounds, and where the figures go, the page to docs/ if nowhere else."""
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=says)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--page", type=Path, default=DOCS / page)
    results = DOCS.parent.joinpath(*package.split("."), "results.json")
    parser.add_argument("--results", type=Path, default=results)
    return parser


def publish(asked: argparse.Namespace, figures: str, page: str) -> None:
    """Write both where the command was asked to, and show the page."""
    asked.results.write_text(figures)
    asked.page.write_text(page)
    print(f"\n{page}")


def between(page: str, written: str, mark: str) -> str:
    """The page with what was written between its two marks, or that alone where there is none yet."""
    first, last = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->\n"
    if not page:
        return written
    before, found, rest = page.partition(first)
    _, found_too, after = rest.partition(last)
    if not found or not found_too:
        raise ValueError(f"the page has no {first.strip()} and {last.strip()}")
    return f"{before}{first}{written}{last}{after}"


def as_json(facts: Mapping[str, str], sizes: Mapping[str, int], **found: Any) -> str:
    """What was measured, how much of it, and everything that was found."""
    told = {"date": today(), "facts": facts, "sizes": sizes, **found}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def today() -> str:
    """The date, as a page tells it."""
    return datetime.now(UTC).date().isoformat()
