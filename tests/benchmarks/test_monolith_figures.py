"""The arithmetic of the comparison: figures, ratios, the gate, the page."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from benchmarks.monolith.comparison import ratio, ratios
from benchmarks.monolith.plot import as_svg
from benchmarks.monolith.processes import Processes, beyond, difference
from benchmarks.monolith.quick import recorded, verdict
from benchmarks.monolith.sides import AFTER, ANSWERED, CLIENT, CPU, PEER, RATE, SUITE, figures
from benchmarks.monolith.vegeta import Answer, Load
from benchmarks.publishing import between
from benchmarks.rounds import Figures


def test_a_rounds_figures_are_of_a_request() -> None:
    load = Load([Answer("GET", "/", 200, number * 0.1, 0.1) for number in range(10)], cpu_seconds=0.02)
    found = figures(load, {"tasks": 0.03, "mongo": 0.01}, {"tasks": 0.01, "mongo": 0.0})
    told = {
        RATE: 10, "p50 ms": 100, "p99.9 ms": 100, CPU: 5, ANSWERED: 4, AFTER: 1, CLIENT: 2,
        f"{CPU} tasks": 4, f"{CPU} mongo": 1,
    }  # fmt: skip
    assert {name: found[name] for name in told} == pytest.approx(told)


def test_what_is_taken_at_rest_is_not_a_requests() -> None:
    took = difference({"kafka": 5.0, "mongo": 2.0}, {"kafka": 4.0, "mongo": 2.0})
    assert beyond(took, {"kafka": 0.1, "mongo": 0.1}, 4) == pytest.approx({"kafka": 0.6, "mongo": 0})
    assert beyond(took, {}, 4) == took


def test_a_ratio_is_of_medians_and_all_of_the_peer_stands_against_a_part_of_the_suite() -> None:
    rounds = both([4, 2, 100], [6, 60, 5], part=0.5)
    assert ratio(rounds) == 1.5
    assert ratios({"get c=32": rounds}) == {"get c=32": {"cpu": 1.5, "cpu until answered": 3.0}}
    assert ratio(both([0], [1])) == float("inf")


def test_this_process_takes_cpu_and_memory() -> None:
    processes = Processes.of({"this": psutil.Process().pid})
    assert processes.cpu()["this"] > 0
    assert processes.megabytes()["this"] > 1


def both(suite: Sequence[float], peer: Sequence[float], part: float = 1) -> Mapping[str, Sequence[Figures]]:
    return {
        SUITE: [{CPU: cpu, ANSWERED: cpu * part} for cpu in suite],
        PEER: [{CPU: cpu, ANSWERED: cpu} for cpu in peer],
    }


@pytest.mark.parametrize(("found", "good"), [(2.0, True), (1.0, True), (0.999, False), (0.1, False)])
def test_it_fails_below_four_fifths(found: float, good: bool) -> None:
    assert verdict("mix c=32", found, 1.25)[0] is good


def test_the_recorded_ratio_is_read(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps({"ratios": {"mix c=32": {"cpu": 1.25}}}))
    assert recorded(results, "mix c=32") == 1.25


@pytest.mark.parametrize("text", [None, "", "{}", '{"ratios": {"get c=32": {"cpu": 1}}}', '{"ratios": []}'])
def test_without_one_it_says_what_to_do(text: str | None, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    if text is not None:
        results.write_text(text)
    with pytest.raises(LookupError, match="run make bench"):
        recorded(results, "mix c=32")


def test_what_is_written_replaces_what_was_between_the_marks() -> None:
    page = "# A\n<!-- x -->\nold\n<!-- end of x -->\nrest\n"
    assert between(page, "new\n", "x") == page.replace("old", "new")
    assert between(between(page, "new\n", "x"), "old\n", "x") == page
    assert between("", "new\n", "x") == "new\n"


@pytest.mark.parametrize("page", ["# A\n", "<!-- x -->\n", "<!-- end of x -->\n<!-- x -->\n"])
def test_a_page_without_its_marks_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match="the page has no <!-- x -->"):
        between(page, "new\n", "x")


def test_bars_are_as_long_as_what_they_tell() -> None:
    picture = as_svg(
        "<A>", {"get": [("suite", [("a", 1.0), ("b", 1.0)]), ("peer", [("a", 4.0)])]}, {"a": "red", "b": "blue"}
    )
    widths = [
        float(part.partition('width="')[2].partition('"')[0]) for part in picture.split("<rect") if "<title>" in part
    ]
    assert widths == pytest.approx([140, 140, 560])
    assert "&lt;A&gt;" in picture
    assert as_svg("", {"get": []}, {})
