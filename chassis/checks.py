"""Checking an input: every rule that it breaks is named at once."""

from collections.abc import Callable
from types import TracebackType
from typing import TypeVar, cast

from chassis.errors import Invalid, Violation

V = TypeVar("V")
T = TypeVar("T")


class Checks:
    """Runs the checks of an input; leaving the block raises Invalid with every violation found in it.

        with Checks() as check:
            return Draft(title=check("title", title_of, request.title), …)

    A rule returns the value meant, or raises ValueError saying what the field must be. What a failed check returns is
    a placeholder: store it, do not look at it, it does not outlive the block.
    """

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def __call__(self, field: str, rule: Callable[[V], T], value: V) -> T:
        """The value that the rule makes of the field's."""
        try:
            return rule(value)
        except ValueError as error:
            self._violations.append(Violation(field, str(error)))
            return cast(T, None)

    def __enter__(self) -> "Checks":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._violations:
            raise Invalid(self._violations)
