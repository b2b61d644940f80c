"""The values of bodies and queries."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError, PydanticKnownError

from chassis.text import is_blank

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINE_END = re.compile(r"\r\n?")
_CONTROLS_OF_A_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# RFC 3339, 5.6, without the leap second that no clock here can hold.
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)

# What a schema can say of the rules below, in the dialect that Python and ECMA-262 share: spaces around, no controls
# between them; in a line, something that is not a space.
_AROUND = r"[\t\n\v\f\r \u0085\u00a0]*"
_LINE_PATTERN = (
    rf"^{_AROUND}[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0][^\u0000-\u001f\u007f-\u009f]*{_AROUND}$"
)
_TEXT_PATTERN = rf"^{_AROUND}[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*{_AROUND}$"
_NO_CONTROLS = r"^[^\u0000-\u001f\u007f-\u009f]*$"
_DATE_PATTERN = r"^(?!9999|19[0-6])(19|[2-9][0-9])[0-9]{2}-"
NO_NUL: JsonDict = {"pattern": r"^[^\u0000]*$"}
"""Of a text in the query."""


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


def at_most(most: int) -> BeforeValidator:
    """A text is measured as it was sent, as its schema has it, and trimmed then."""

    def measured(value: Any) -> Any:
        if isinstance(value, str) and len(value) > most:
            raise PydanticKnownError("string_too_long", {"max_length": most})
        return value

    return BeforeValidator(measured)


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


def _matching(pattern: str) -> Any:
    """Says the pattern in the schema. It is not checked: the validators beside it know more and say it better."""
    return Field(json_schema_extra={"pattern": pattern})


SOMETHING = _matching(r"[^\t\n\v\f\r \u0085\u00a0]")
"""Of a text that is trimmed and then not empty."""

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_one_line),
    at_most(200),
    _matching(_LINE_PATTERN),
]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=10_000),
    AfterValidator(_text),
    BeforeValidator(_with_newlines),
    at_most(10_000),
    _matching(_TEXT_PATTERN),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_one_line),
    at_most(100),
    _matching(_LINE_PATTERN),
]
NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=128), _matching(_NO_CONTROLS)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]

Date = Annotated[
    datetime,
    BeforeValidator(_date),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _DATE_PATTERN}),
]
"""A moment, given in RFC 3339 with an offset; the tasks service takes the years 1970 to 9998."""

Limit = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole)]
PageNumber = Annotated[int, Field(ge=1, le=10_001), BeforeValidator(_whole)]
"""Numbers of a query, in digits alone. No page lies beyond the 10,000 tasks that may be passed over."""

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"),
    at_most(254),
    WithJsonSchema({"type": "string", "format": "email", "minLength": 3, "maxLength": 254}),
]
"""An address; whether it is a real one is for the auth service to say."""
