"""The values of bodies and queries."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from chassis.text import is_blank

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINE_END = re.compile(r"\r\n?")
_CONTROLS_OF_A_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# RFC 3339, 5.6, without the leap second that no clock here can hold.
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


def _one_line(value: str) -> str:
    if _CONTROLS.search(value):
        raise PydanticCustomError("controls", "must not contain control characters")
    if is_blank(value):
        raise PydanticCustomError("blank", "must have a visible character")
    return value


def _text(value: str) -> str:
    if _CONTROLS_OF_A_TEXT.search(value):
        raise PydanticCustomError("controls", "must not contain control characters other than tab and newline")
    return value


def _with_newlines(value: Any) -> Any:
    """Browsers send the line ends of Windows from text areas."""
    return _LINE_END.sub("\n", value) if isinstance(value, str) else value


def _date(value: Any) -> datetime:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise PydanticCustomError("date", "must be a date and time with offset as RFC 3339 has it: 2030-01-31T17:00:00Z")


def _whole(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    raise PydanticCustomError("whole", "must be a whole number")


Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_one_line)
]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=10_000),
    AfterValidator(_text),
    BeforeValidator(_with_newlines),
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_one_line)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]

Date = Annotated[datetime, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A moment, given in RFC 3339 with an offset."""

Limit = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole)]
PageNumber = Annotated[int, Field(ge=1, le=10_001), BeforeValidator(_whole)]
"""Numbers of a query, in digits alone. No page lies beyond the 10,000 tasks that may be passed over."""

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"),
    WithJsonSchema({"type": "string", "format": "email", "minLength": 3, "maxLength": 254}),
]
"""An address; whether it is a real one is for the auth service to say."""
