"""`python -m benchmarks.servers`: measure the HTTP servers that could be the gateway's (`make bench-servers`)."""

import asyncio
import platform
from collections.abc import Mapping
from importlib.metadata import version

from benchmarks import machine
from benchmarks.publishing import as_json, command, publish
from benchmarks.rounds import Rounds, interleaved
from benchmarks.servers import arms, cost, manners, report

_MEASURED = ("uvloop", "uvicorn", "httptools", "h11", "h2", "hypercorn", "granian")


async def measured(rounds: int, requests: int) -> tuple[Rounds, Mapping[str, manners.Manners]]:
    """What each costs, and how each behaves."""
    found = await manners.all_of(arms.ARMS)
    return await interleaved(cost.measures(requests), rounds), found


def main() -> None:
    """The command."""
    parser = command("benchmarks.servers", __doc__, page="performance-servers.md")
    parser.add_argument("--requests", type=int, default=6_000, help="requests a round")
    asked = parser.parse_args()
    sizes = {"rounds": asked.rounds, "requests": asked.requests}
    versions = ", ".join(f"{name} {version(name)}" for name in _MEASURED)
    facts = {**machine.here(), "servers": f"Python {platform.python_version()}, {versions}"}
    costs, found = asyncio.run(measured(**sizes))
    figures = as_json(facts, sizes, rounds=costs, manners=found)
    publish(asked, figures, report.as_page(facts, sizes, costs, found))


if __name__ == "__main__":
    main()
