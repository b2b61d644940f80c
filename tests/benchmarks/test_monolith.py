"""The suite beside the monolith: a whole run, small, for the numbers' existence and not their size; and the gate."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.monolith import report
from benchmarks.monolith.__main__ import write
from benchmarks.monolith.operations import OPERATIONS
from benchmarks.monolith.quick import recorded
from benchmarks.monolith.run import KAFKA, MONGO, OURS, in_production, run
from benchmarks.monolith.settings import BenchSettings
from benchmarks.monolith.sides import CPU, PEER, PERCENTILES, RATE, SUITE
from deploy.local.testing import patient


@pytest.mark.slow
async def test_every_operation_gives_its_figures_on_both_sides(tmp_path: Path) -> None:
    page, results = tmp_path / "performance.md", tmp_path / "results.json"
    settings = BenchSettings(c=(2,), rounds=1, requests=16, people=6, tasks=24, page=page, results=results)
    found = await run(settings, tmp_path / "run", lambda programs: patient(in_production(programs)))
    assert set(found.measured) == {f"{name} c={8 if name == 'login' else 2}" for name in OPERATIONS}
    for rounds in found.measured.values():
        for side, processes in ((SUITE, (*OURS, MONGO, KAFKA)), (PEER, (PEER, MONGO))):
            (figures,) = rounds[side]
            assert all(figures[name] > 0 for name in (RATE, *PERCENTILES))
            assert {f"{CPU} {name}" for name in processes} <= set(figures)
            assert min(figures.values()) >= 0
    assert found.peak[SUITE]["tasks"] > 1
    write(settings, {"machine": "this"}, found)
    assert all(operation.title.lower() in page.read_text().lower() for operation in OPERATIONS.values())
    assert json.loads(results.read_text())["sizes"]["people"] == 6
    picture = ElementTree.fromstring(page.with_name(report.PICTURE).read_text())  # noqa: S314 - our own
    assert picture.tag.endswith("svg")
    with pytest.raises(LookupError, match="has no ratio of mix c=32"):
        recorded(results, "mix c=32")
