"""`python -m benchmarks.gateway`, or `make bench-gateway`: measure the gateway of a suite on embedded engines."""

import argparse
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

import structlog
import uvloop

from benchmarks import machine
from benchmarks.gateway import arms, report, tokens
from benchmarks.rounds import interleaved
from deploy.local.testing import RunningSuite, running_suite

ROOT = Path(__file__).parents[2]
PAGE, RESULTS = ROOT / "docs/performance-gateway.md", Path(__file__).with_name("results.json")
_PACKAGES = ("uvloop", "uvicorn", "httptools", "fastapi", "starlette", "grpcio", "orjson", "PyJWT", "cryptography")


async def measured(suite: RunningSuite, rounds: int, requests: int, checks: int) -> report.Sections:
    """Every section, one after the other; a round before the first one warms everything up."""
    async with arms.arms(suite, requests) as requested:
        await interleaved(requested, 1)
        return {
            "requests": await interleaved(requested, rounds),
            "tokens": await interleaved(tokens.arms(checks), rounds),
        }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2_000, help="requests a round; a quarter of it with new tokens")
    parser.add_argument("--checks", type=int, default=1_000, help="new tokens a round, for the check alone")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    sizes = {name: getattr(asked, name) for name in ("rounds", "requests", "checks")}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    facts = {**machine.here(), "versions": f"Python {platform.python_version()}, {versions}"}
    with (
        tempfile.TemporaryDirectory(prefix="primetrade-bench-") as folder,
        running_suite(Path(folder), arms.counted) as suite,
    ):
        sections = uvloop.run(measured(suite, **sizes))
    asked.results.write_text(report.as_json(facts, sizes, sections))
    page = report.as_page(facts, sizes, sections)
    asked.page.write_text(page)
    print(f"\n{page}")


if __name__ == "__main__":
    main()
