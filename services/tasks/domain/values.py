"""The values of a task. Each comes out of one function here, which raises ValueError saying what the value must be.

The types are marks on plain values, so that one read back from the store, checked when it was written, costs no check.
"""

import re
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import NewType
from uuid import UUID

from chassis.text import is_blank

TaskId = NewType("TaskId", UUID)
OwnerId = NewType("OwnerId", UUID)
Title = NewType("Title", str)
Description = NewType("Description", str)

TITLE_CHARACTERS = 200
DESCRIPTION_CHARACTERS = 10_000
FIRST_DUE = datetime(1970, 1, 1, tzinfo=UTC)
AFTER_LAST_DUE = datetime(9999, 1, 1, tzinfo=UTC)

# Unicode's category Cc: C0, DEL and C1.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_END = re.compile(r"\r\n?")


class Status(StrEnum):
    """How far a task is. It may go from each to each."""

    PENDING = "pending"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"


class Priority(IntEnum):
    """How much a task matters; a higher number matters more."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


def title(text: str) -> Title:
    """A title: one trimmed line of 1 to 200 characters, one of which can be seen."""
    trimmed = text.strip()
    if not trimmed:
        raise ValueError("must not be empty")
    if len(trimmed) > TITLE_CHARACTERS:
        raise ValueError(f"must have at most {TITLE_CHARACTERS} characters")
    if _CONTROL.search(trimmed):
        raise ValueError("must not contain control characters")
    if is_blank(trimmed):
        raise ValueError("must have a visible character")
    return Title(trimmed)


def description(text: str) -> Description:
    """A description: trimmed, at most 10,000 characters, with tabs and newlines.

    Windows and old Mac line ends, which browsers send from text areas, become newlines.
    """
    trimmed = _LINE_END.sub("\n", text).strip()
    if len(trimmed) > DESCRIPTION_CHARACTERS:
        raise ValueError(f"must have at most {DESCRIPTION_CHARACTERS:,} characters")
    if _CONTROL_IN_TEXT.search(trimmed):
        raise ValueError("must not contain control characters other than tab and newline")
    return Description(trimmed)


def due_time(at: datetime) -> datetime:
    """When a task should be done, in the years 1970 to 9998, cut to milliseconds: what the store keeps."""
    if not FIRST_DUE <= at < AFTER_LAST_DUE:
        raise ValueError("must be in the years 1970 to 9998")
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)
