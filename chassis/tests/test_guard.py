"""The guard alone, with a clock that stands still: when a neighbour is left alone, and what ends that."""

import pytest
from prometheus_client import REGISTRY

from chassis.errors import Unavailable
from chassis.rpc.guard import PAUSE_SECONDS, Guard, Verdict

ANSWERED, SILENT, NONE = Verdict.ANSWERED, Verdict.SILENT, Verdict.NONE


class Guarded:
    """A neighbour that may have three calls in hand, and be silent twice in a row."""

    def __init__(self) -> None:
        self.now = 0.0
        self.guard = Guard("neighbour", limit=3, failures=2, now=lambda: self.now)

    def ends(self, *verdicts: Verdict) -> None:
        for verdict in verdicts:
            self.guard.leave(self.guard.enter(), verdict)

    def refuses(self) -> bool:
        try:
            era = self.guard.enter()
        except Unavailable:
            return True
        self.guard.leave(era, NONE)
        return False

    def waits(self) -> None:
        self.now += PAUSE_SECONDS


@pytest.fixture
def guarded() -> Guarded:
    return Guarded()


@pytest.fixture
def shut(guarded: Guarded) -> Guarded:
    guarded.ends(SILENT, SILENT)
    return guarded


def told(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"primetrade_upstream_{metric}", {"service": "neighbour", **labels}) or 0


def test_above_its_limit_calls_are_refused_until_one_ends(guarded: Guarded) -> None:
    eras = [guarded.guard.enter() for _ in range(3)]
    before = told("refused_total", reason="full")
    assert guarded.refuses()
    assert (told("in_flight"), told("refused_total", reason="full") - before, told("open")) == (3, 1, 0)
    guarded.guard.leave(eras.pop(), NONE)
    assert not guarded.refuses()


@pytest.mark.parametrize(
    ("ends", "refuses"),
    [
        ([SILENT], False),
        ([SILENT, SILENT], True),
        ([SILENT, ANSWERED, SILENT], False),
        ([SILENT, NONE, SILENT], True),
        ([NONE] * 100, False),
        ([ANSWERED, SILENT] * 100, False),
    ],
)
def test_only_silence_in_a_row_is_held_against_it(guarded: Guarded, ends: list[Verdict], refuses: bool) -> None:
    guarded.ends(*ends)
    assert guarded.refuses() is refuses


def test_after_a_pause_one_call_at_a_time_tries_it(shut: Guarded) -> None:
    before = told("refused_total", reason="open")
    with pytest.raises(Unavailable) as refused:
        shut.guard.enter()
    assert refused.value.retry_after == PAUSE_SECONDS
    assert (told("open"), told("refused_total", reason="open") - before) == (1, 1)
    shut.waits()
    probe = shut.guard.enter()
    assert shut.refuses()
    shut.guard.leave(probe, ANSWERED)
    assert not shut.refuses()
    assert told("open") == 0


def test_a_try_that_meets_silence_begins_another_pause(shut: Guarded) -> None:
    shut.waits()
    shut.ends(SILENT)
    assert shut.refuses()
    shut.waits()
    shut.ends(ANSWERED)
    assert not shut.refuses()


def test_a_try_that_says_nothing_leaves_its_place_to_the_next(shut: Guarded) -> None:
    shut.waits()
    shut.ends(NONE, NONE, ANSWERED)
    assert not shut.refuses()


def test_it_is_not_tried_while_its_health_is_known_to_be_bad(shut: Guarded) -> None:
    shut.guard.heard(serving=False)
    shut.waits()
    assert shut.refuses()
    shut.guard.heard(serving=True)
    shut.ends(ANSWERED)
    assert not shut.refuses()


def test_health_alone_refuses_nothing(guarded: Guarded) -> None:
    guarded.guard.heard(serving=False)
    assert not guarded.refuses()


def test_silence_of_calls_from_before_shuts_nothing_that_works_again(guarded: Guarded) -> None:
    old = [guarded.guard.enter() for _ in range(2)]
    guarded.ends(SILENT, SILENT)
    guarded.waits()
    guarded.ends(ANSWERED)
    for era in old:
        guarded.guard.leave(era, SILENT)
    assert not guarded.refuses()
    assert guarded.guard.count == 0


def test_silence_of_calls_from_before_does_not_end_a_try(guarded: Guarded) -> None:
    old = guarded.guard.enter()
    guarded.ends(SILENT, SILENT)
    guarded.waits()
    probe = guarded.guard.enter()
    guarded.guard.leave(old, SILENT)
    assert guarded.refuses()
    guarded.guard.leave(probe, ANSWERED)
    assert not guarded.refuses()


def test_an_answer_to_a_call_from_before_is_as_good_as_any(guarded: Guarded) -> None:
    old = guarded.guard.enter()
    guarded.ends(SILENT, SILENT)
    guarded.guard.leave(old, ANSWERED)
    assert not guarded.refuses()
