"""The measures of the gateway still measure: small, and for the numbers' existence, not their size."""

import json
from pathlib import Path

import pytest

from benchmarks.gateway import arms, report
from benchmarks.gateway.__main__ import measured
from benchmarks.publishing import as_json
from deploy.local.testing import running_suite


@pytest.mark.slow
async def test_every_arm_gives_its_figures(tmp_path: Path) -> None:
    sizes = {"rounds": 1, "requests": 40, "checks": 20}
    with running_suite(tmp_path, arms.counted) as suite:
        sections = await measured(suite, **sizes)
    assert {name: len(rounds) for name, rounds in sections.items()} == {"requests": 7, "tokens": 2}
    rates = [figures[arms.RATE] for rounds in sections["requests"].values() for figures in rounds]
    assert all(rate > 0 for rate in rates)
    assert json.loads(as_json({"machine": "this"}, sizes, rounds=sections))["sizes"] == sizes
    page = report.as_page({"machine": "this"}, sizes, sections)
    assert all(arm in page for rounds in sections.values() for arm in rounds)
