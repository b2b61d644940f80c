"""A caller's patience is one budget, however deep the calls go."""

import pytest

from chassis.deadline import remaining, within
from chassis.errors import DeadlineExceeded


def test_without_a_deadline_a_call_has_its_own_limit() -> None:
    assert remaining(3.0) == 3.0


def test_a_call_gets_what_is_left_and_no_more() -> None:
    with within(0.5):
        assert 0 < remaining(3.0) <= 0.5
        assert remaining(0.1) == 0.1


def test_an_outer_deadline_stays_in_force() -> None:
    with within(0.5), within(60):
        assert remaining(3.0) <= 0.5
    assert remaining(3.0) == 3.0


def test_when_nothing_is_left_the_call_is_not_made() -> None:
    with within(0), pytest.raises(DeadlineExceeded):
        remaining(3.0)
