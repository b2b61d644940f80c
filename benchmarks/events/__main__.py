"""`python -m benchmarks.events`: measure on the engines that ENGINES names (`make bench-events`: the real ones)."""

import tempfile
from pathlib import Path

import structlog
import uvloop

from benchmarks import machine
from benchmarks.events import cost, latency, report, throughput
from benchmarks.publishing import as_json, command, publish
from benchmarks.rounds import interleaved
from chassis.testing.engines import Engines, EnginesSettings, started_engines


async def measured(engines: Engines, rounds: int, writes: int, events: int, messages: int) -> report.Sections:
    """Every section, one after the other."""
    return {
        "latency": await interleaved(latency.arms(engines, writes), rounds),
        "throughput": await interleaved(throughput.arms(engines, events), rounds),
        "cost": await interleaved(await cost.arms(engines, messages), rounds),
    }


def main() -> None:
    """The command."""
    parser = command("benchmarks.events", __doc__, page="performance-events.md")
    parser.add_argument("--writes", type=int, default=500, help="writes a round, for the latency")
    parser.add_argument("--events", type=int, default=4_000, help="events a round, for the throughput")
    parser.add_argument("--messages", type=int, default=30_000, help="messages a round, for the CPU")
    asked = parser.parse_args()
    sizes = {name: getattr(asked, name) for name in ("rounds", "writes", "events", "messages")}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    facts = machine.facts(EnginesSettings().engines)
    with tempfile.TemporaryDirectory(prefix="primetrade-bench-") as folder, started_engines(Path(folder)) as engines:
        sections = uvloop.run(measured(engines, **sizes))
    publish(asked, as_json(facts, sizes, rounds=sections), report.as_page(facts, sizes, sections))


if __name__ == "__main__":
    main()
