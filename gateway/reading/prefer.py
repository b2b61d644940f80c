"""What a request prefers (RFC 7240): the first of each preference; what is malformed or not known is passed over."""

import re
from collections.abc import Mapping

from starlette.types import Scope

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a pattern
_WORD = rf'(?:{_TOKEN}|"(?:[^"\\]|\\.)*")'
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PREFERENCE = re.compile(
    rf"({_TOKEN})(?:\s*=\s*({_WORD}))?(?:\s*;\s*(?:{_TOKEN}(?:\s*=\s*{_WORD})?)?)*",
)
_NONE: Mapping[str, str] = {}
_MAX_LENGTH = 1024


def preferences(scope: Scope) -> Mapping[str, str]:
    """The preferences with their values, an empty one where there is none; names in lower case."""
    given = [value for name, value in scope["headers"] if name == b"prefer"]
    if not given:
        return _NONE
    found: dict[str, str] = {}
    text = b",".join(given).decode("latin-1")
    for element in _ELEMENT.findall(text) if len(text) <= _MAX_LENGTH else ():
        if match := _PREFERENCE.fullmatch(element.strip()):
            found.setdefault(match[1].lower(), (match[2] or "").strip('"'))
    return found


def wait_of(scope: Scope) -> int | None:
    """The seconds that the request is willing to wait for its answer (RFC 7240, 4.3); None when it does not say."""
    given = preferences(scope).get("wait", "")
    return int(given) if re.fullmatch(r"[0-9]{1,9}", given) else None
