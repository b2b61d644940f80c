"""The id of an event on the stream: how far its client is in every partition. Opaque to clients, good everywhere."""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import NamedTuple

HEADER = "Last-Event-ID"
PATTERN = r"^[A-Za-z0-9_-]{4,2048}$"

_VERSION = 1
_MARK_BYTES = 2
_PATTERN = re.compile(PATTERN)


class Place(NamedTuple):
    """A place in a partition: the offset that comes next, and the mark of the record before it (0 when there is none).

    By the mark a log can be told from another that has as many records.
    """

    position: int
    mark: int


Cursor = Sequence[Place]
"""A place for each partition, in the order of topics and numbers."""


class Malformed(ValueError):
    """A text that no gateway has made."""


def encoded(cursor: Cursor) -> str:
    """The cursor as text: a version, then for each partition the position (LEB128) and the mark, in base64url."""
    raw = bytearray((_VERSION,))
    for position, mark in cursor:
        while position > 0x7F:
            raw.append(position & 0x7F | 0x80)
            position >>= 7
        raw.append(position)
        raw += mark.to_bytes(_MARK_BYTES)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> Cursor:
    """The cursor of a text. Raises Malformed for anything that `encoded` does not make."""
    if not _PATTERN.fullmatch(text):
        raise Malformed
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise Malformed from None
    cursor, at = [], 1
    while at < len(raw):
        position, at = _number(raw, at)
        mark = raw[at : at + _MARK_BYTES]
        at += _MARK_BYTES
        if len(mark) < _MARK_BYTES:
            raise Malformed
        cursor.append(Place(position, int.from_bytes(mark)))
    if encoded(cursor) != text:
        raise Malformed
    return cursor


def _number(raw: bytes, at: int) -> tuple[int, int]:
    number, shift = 0, 0
    while at < len(raw) and shift < 63:
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise Malformed
