"""What a model found wrong, as the violations that services report too: a field and what it must be."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chassis.errors import Violation
from gateway.reading.json import printable

_Context = dict[str, Any]

_MESSAGES: dict[str, Callable[[_Context], str]] = {
    "missing": lambda _: "is required",
    "extra_forbidden": lambda _: "is not known here",
    "string_type": lambda _: "must be a string",
    "bool_type": lambda _: "must be true or false",
    "string_too_short": lambda context: _too_short(context["min_length"]),
    "string_too_long": lambda context: f"must have at most {context['max_length']:,} characters",
    "string_pattern_mismatch": lambda _: "must be an email address",
    "literal_error": lambda context: f"must be {context['expected'].replace(chr(39), '')}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
}


def _too_short(least: int) -> str:
    return "must not be empty" if least == 1 else f"must have at least {least} characters"


def violations_of(error: ValidationError) -> list[Violation]:
    """Every violation, each under the client's name of its field. None repeats the value."""
    return [_violation(item) for item in error.errors(include_url=False, include_input=False)]


def _violation(item: ErrorDetails) -> Violation:
    context = item.get("ctx", {})
    # A rule between fields stands at no field of its own: it names the one that should go.
    field = ".".join(str(part) for part in item["loc"]) or str(context.get("field", ""))
    say = _MESSAGES.get(item["type"])
    return Violation(printable(field), say(context) if say else item["msg"])
