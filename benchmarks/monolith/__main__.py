"""`python -m benchmarks.monolith`, or `make bench`: measure the suite beside the monolith it replaces."""

import json
import platform
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import structlog
import uvloop

from benchmarks import machine
from benchmarks.monolith import report
from benchmarks.monolith.comparison import ratios
from benchmarks.monolith.peer import FOLDER
from benchmarks.monolith.run import WENT_WRONG, Found, run
from benchmarks.monolith.settings import BenchSettings
from benchmarks.publishing import as_json, between
from chassis.settings import read_settings
from chassis.testing.engines import EnginesSettings
from chassis.testing.tools.commands import run as said
from chassis.testing.tools.vegeta import VEGETA

_PACKAGES = ("uvloop", "uvicorn", "fastapi", "grpcio", "orjson", "motor", "pymongo", "aiokafka")
_SIZES = ("rounds", "requests", "people", "tasks", "seed")


def main() -> int:
    """The command; its status."""
    settings = read_settings(BenchSettings)
    facts = before(EnginesSettings().engines)
    with tempfile.TemporaryDirectory(prefix="primetrade-bench-") as folder:
        try:
            found = measured(settings, Path(folder))
        except WENT_WRONG as error:
            print(error, file=sys.stderr)
            return 1
    write(settings, facts, found)
    return 0


def measured(settings: BenchSettings, folder: Path) -> Found:
    """The whole run. Raises Failed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    return uvloop.run(run(settings, folder))


def before(engines: str) -> Mapping[str, str]:
    """What it is measured on, and how busy that is before."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    peers = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    return {
        **machine.here(engines),
        "suite": f"Python {platform.python_version()}, {versions}",
        "peer": f"Node {said(['node', '--version']).strip()}, {', '.join(f'{k} {v}' for k, v in peers.items())}",
        "client": f"vegeta {VEGETA.version}, on the same machine",
    }


def write(settings: BenchSettings, facts: Mapping[str, str], found: Found) -> None:
    """Show the tables, and keep them where the run was told to or is whole."""
    sizes = {name: int(getattr(settings, name)) for name in _SIZES}
    part = report.as_part(facts, sizes, found)
    print(f"\n{part}")
    results, page = settings.places
    if results is not None:
        told = {"rounds": found.measured, "ratios": ratios(found.measured), "idle": found.idle, "peak MiB": found.peak}
        results.write_text(as_json(facts, sizes, **told))
    if page is not None:
        page.write_text(between(page.read_text() if page.exists() else "", part, "make bench"))
        page.with_name(report.PICTURE).write_text(report.as_picture(found))


if __name__ == "__main__":
    raise SystemExit(main())
