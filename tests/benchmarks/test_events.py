"""The measures of the event backbone still measure: small, and for the numbers' existence, not their size."""

import json

import pytest

from benchmarks.events import report
from benchmarks.events.__main__ import measured
from benchmarks.publishing import as_json
from chassis.testing.engines import Engines


@pytest.mark.engines
async def test_every_arm_gives_its_figures(engines: Engines) -> None:
    sizes = {"rounds": 1, "writes": 10, "events": 32, "messages": 600}
    sections = await measured(engines, **sizes)
    assert {name: len(rounds) for name, rounds in sections.items()} == {"latency": 2, "throughput": 2, "cost": 4}
    assert all(
        value > 0
        for arms in sections.values()
        for rounds in arms.values()
        for figures in rounds
        for value in figures.values()
    )
    assert json.loads(as_json({"machine": "this"}, sizes, rounds=sections))["sizes"] == sizes
    page = report.as_page({"machine": "this"}, sizes, sections)
    assert all(arm in page for arms in sections.values() for arm in arms)
