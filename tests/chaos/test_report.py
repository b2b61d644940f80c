"""A report says what was done and what was found, with the ids."""

from collections import Counter
from datetime import UTC, datetime

from tests.chaos.checker import Verdict
from tests.chaos.promises import Finding, Promise
from tests.chaos.report import Report


def report(*findings: Finding, left: tuple[str, ...] = ()) -> Report:
    return Report(
        seed=7,
        engines="real",
        began=datetime(2030, 1, 31, tzinfo=UTC),
        seconds=61.4,
        killed=Counter(tasks=2, kafka=1),
        faults=Counter({"frozen": 1}),
        verdict=Verdict(findings, {"events": 1200}, {"events published again": 3}),
        left=list(left),
    )


LOST = [Finding(Promise.EVENT_TOLD, f"task-{number}", "lacks [2]") for number in range(30)]


def test_the_figures_are_in_the_table_and_in_the_section() -> None:
    sound = report()
    assert sound.sound
    for text in (sound.table(), sound.section()):
        assert "3: kafka 1, tasks 2" in text
        assert "1,200" in text
        assert all(promise.value in text for promise in Promise)
    assert sound.section().startswith("### 2030-01-31, seed 7, 3 kills\n")


def test_what_is_wrong_is_counted_whole_and_told_with_some_ids() -> None:
    broken = report(*LOST)
    assert not broken.sound
    assert "| **events missing** | **30** |" in broken.section()
    assert "task-0: lacks [2]" in broken.evidence()
    assert "… and 10 more" in broken.evidence()


def test_what_does_not_become_quiet_is_no_success() -> None:
    assert not report(left=("tasks has 3 events to publish",)).sound
    assert "3 events to publish" in report(left=("tasks has 3 events to publish",)).evidence()
