"""The words of the inbox: short plain text, never HTML. What people wrote is quoted on one line and cut."""

import unicodedata
from datetime import datetime

NAME_CHARACTERS = 60
TITLE_CHARACTERS = 80
# Marks that turn the direction of the text after them, so that a name could rewrite the sentence around it.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str, limit: int) -> str:
    """The text without control characters and line breaks, at most `limit` characters."""
    visible = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text)
    line = " ".join("".join(sign for sign in visible if sign not in _DIRECTIONS).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def person(name: str) -> str:
    """How a person is addressed."""
    return one_line(name, NAME_CHARACTERS) or "there"


def quoted(title: str) -> str:
    """A task's title inside a sentence."""
    return f"“{one_line(title, TITLE_CHARACTERS)}”"


def moment(at: datetime) -> str:
    """A moment to the minute, in UTC: the service does not know where a person is."""
    return f"{at:%Y-%m-%d} at {at:%H:%M} UTC"
