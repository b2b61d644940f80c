"""Every violation of an input is named at once."""

import pytest

from chassis.checks import Checks
from chassis.errors import Invalid, Violation


def positive(number: int) -> int:
    if number <= 0:
        raise ValueError("must be positive")
    return number


def test_values_that_keep_the_rules_come_back() -> None:
    with Checks() as check:
        values = [check("a", positive, 1), check("b", int, "2")]
    assert values == [1, 2]


def checked(*numbers: int) -> list[int]:
    with Checks() as check:
        return [check(f"number {index}", positive, number) for index, number in enumerate(numbers)]


def test_all_violations_are_raised_and_no_result_leaves_the_block() -> None:
    with pytest.raises(Invalid) as refused:
        checked(0, 1, -1)
    assert refused.value.violations == (
        Violation("number 0", "must be positive"),
        Violation("number 2", "must be positive"),
    )


def broken() -> None:
    with Checks() as check:
        check("a", positive, 0)
        raise KeyError


def test_another_error_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        broken()
