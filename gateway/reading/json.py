"""JSON as RFC 8259 and I-JSON (RFC 7493) have it, and nothing that Python's reader lets through besides."""

import json
import math
from typing import NoReturn

from chassis.errors import Unreadable

_MAX_DEPTH = 32
_MAX_NAMES = 100
"""Of one object: more than any document of ours has, few enough that each wrong one can be named."""
_MAX_VALUES = 1_000
"""Of the whole text, names and values together."""
_MAX_STRING = 32_768
"""Characters: the longest field of ours with the line ends of Windows, and then some."""


def read_object(raw: bytes) -> dict[str, object]:
    """The object of a JSON text in UTF-8.

    Raises Unreadable for anything else: malformed text, NaN and Infinity and what a float cannot hold, a name given
    twice, a lone surrogate, NUL, a nesting deeper, an object, a string or a text larger than any of ours, a text that
    is not an object.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise Unreadable(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise Unreadable("the body holds a number or a nesting beyond any use") from None
    if not isinstance(value, dict):
        raise Unreadable("the body must be a JSON object")
    _require_sane(value, "\\u" in text or "\0" in text)
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > _MAX_NAMES:
        raise Unreadable(f"the body has an object of more than {_MAX_NAMES} names")
    names = dict(pairs)
    if len(names) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Unreadable(f"the body names {printable(twice)!r} twice")
    return names


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(f"the body is not JSON: {name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise Unreadable("the body holds a number beyond any use")
    return number


def _require_sane(text: dict[str, object], escaped: bool) -> None:
    """Escapes can spell what UTF-8 cannot hold; only a text that has escapes is searched for it."""
    level: list[object] = [text]
    count = 0
    for _ in range(_MAX_DEPTH):
        inner: list[object] = []
        for value in level:
            if isinstance(value, str):
                _require_text(value, escaped)
            elif isinstance(value, dict):
                inner.extend(value)
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        count += len(inner)
        if count > _MAX_VALUES:
            raise Unreadable(f"the body has more than {_MAX_VALUES} names and values")
        if not inner:
            return
        level = inner
    raise Unreadable("the body is nested too deeply")


def _require_text(value: str, escaped: bool) -> None:
    if len(value) > _MAX_STRING:
        raise Unreadable(f"the body has a string of more than {_MAX_STRING} characters")
    if escaped and ("\0" in value or any("\ud800" <= character <= "\udfff" for character in value)):
        raise Unreadable("the body holds a NUL or half a surrogate pair")


def printable(name: str) -> str:
    """A name of the client's making, short and fit for a message."""
    return name.encode("utf-8", "replace").decode()[:100]
