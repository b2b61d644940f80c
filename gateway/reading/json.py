"""JSON as RFC 8259 and I-JSON (RFC 7493) have it, and nothing that Python's reader lets through besides."""

import json
from typing import NoReturn

from chassis.errors import Unreadable

_MAX_DEPTH = 32
_MAX_NAMES = 100
"""Of one object: more than any document of ours has, few enough that each wrong one can be named."""


def read_object(raw: bytes) -> dict[str, object]:
    """The object of a JSON text in UTF-8.

    Raises Unreadable for anything else: malformed text, NaN and Infinity, a name given twice, a lone surrogate, NUL,
    a nesting deeper or an object larger than any of ours, a text that is not an object.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise Unreadable(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise Unreadable("the body holds a number or a nesting beyond any use") from None
    if not isinstance(value, dict):
        raise Unreadable("the body must be a JSON object")
    if "\\u" in text or "\0" in text:
        _require_text(value, _MAX_DEPTH)
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


def _require_text(value: object, depth: int) -> None:
    """Escapes can spell what UTF-8 cannot hold; only a text that has escapes is searched."""
    if depth == 0:
        raise Unreadable("the body is nested too deeply")
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise Unreadable("the body holds a NUL or half a surrogate pair")
    elif isinstance(value, dict):
        for name, item in value.items():
            _require_text(name, depth - 1)
            _require_text(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _require_text(item, depth - 1)


def printable(name: str) -> str:
    """A name of the client's making, short and fit for a message."""
    return name.encode("utf-8", "replace").decode()[:100]
