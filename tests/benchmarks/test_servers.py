"""The measures of the HTTP servers still measure: small, and for the findings' existence, not their size."""

import json

import pytest

from benchmarks.publishing import as_json
from benchmarks.rounds import interleaved
from benchmarks.servers import cost, manners, report
from benchmarks.servers.arms import ARMS, OURS, OURS_H2C


@pytest.mark.slow
async def test_a_server_gives_its_figure_and_shows_its_manners() -> None:
    measured = await interleaved(cost.measures(1_000, [OURS, OURS_H2C]), 1)
    shown = await manners.all_of([OURS, OURS_H2C])
    stands_for = {arm.name: OURS_H2C.name if arm.h2 else OURS.name for arm in ARMS}
    rounds = {name: measured[ours] for name, ours in stands_for.items()}
    found = {name: shown[ours] for name, ours in stands_for.items()}
    assert all(figures[cost.CPU] > 0 for each in rounds.values() for figures in each)
    sizes = {"rounds": 1, "requests": 1_000}
    assert json.loads(as_json({"machine": "this"}, sizes, rounds=rounds, manners=found))["sizes"] == sizes
    page = report.as_page({"machine": "this"}, sizes, rounds, found)
    assert all(arm.name in page for arm in ARMS)
