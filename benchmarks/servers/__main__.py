"""`python -m benchmarks.servers`: measure the HTTP servers that could be the gateway's (`make bench-servers`)."""

import argparse
import asyncio
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from benchmarks import machine
from benchmarks.rounds import Rounds, interleaved
from benchmarks.servers import arms, cost, manners, report

ROOT = Path(__file__).parents[2]
_MEASURED = ("uvloop", "uvicorn", "httptools", "h11", "h2", "hypercorn", "granian")
PAGE, RESULTS = ROOT / "docs/performance-servers.md", Path(__file__).with_name("results.json")


async def measured(rounds: int, requests: int) -> tuple[Rounds, Mapping[str, manners.Manners]]:
    """What each costs, and how each behaves."""
    found = await manners.all_of(arms.ARMS)
    return await interleaved(cost.measures(requests), rounds), found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=6_000, help="requests a round")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    sizes = {"rounds": asked.rounds, "requests": asked.requests}
    versions = ", ".join(f"{name} {version(name)}" for name in _MEASURED)
    facts = {**machine.here(), "servers": f"Python {platform.python_version()}, {versions}"}
    costs, found = asyncio.run(measured(**sizes))
    asked.results.write_text(report.as_json(facts, sizes, costs, found))
    page = report.as_page(facts, sizes, costs, found)
    asked.page.write_text(page)
    print(f"\n{page}")


if __name__ == "__main__":
    main()
