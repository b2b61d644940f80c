"""`python -m benchmarks.gateway`, or `make bench-gateway`: measure the gateway of a suite on embedded engines."""

import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

import structlog
import uvloop

from benchmarks import machine
from benchmarks.gateway import arms, report, tokens
from benchmarks.publishing import as_json, command, publish
from benchmarks.rounds import interleaved
from deploy.local.testing import RunningSuite, running_suite

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
    parser = command("benchmarks.gateway", __doc__, page="performance-gateway.md")
    parser.add_argument("--requests", type=int, default=1_000, help="requests a round; a quarter of it with new tokens")
    parser.add_argument("--checks", type=int, default=1_000, help="new tokens a round, for the check alone")
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
    publish(asked, as_json(facts, sizes, rounds=sections), report.as_page(facts, sizes, sections))


if __name__ == "__main__":
    main()
