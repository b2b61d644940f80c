"""What is written to a stream (WHATWG HTML, 9.2.5)."""

import orjson

from gateway.answers import Json
from gateway.streaming.cursor import Cursor, encoded

RETRY_MS = 2_000
"""How long a client waits before it comes back."""


def text_of(name: str, document: Json) -> bytes:
    """An event without its id. JSON has no line ends of its own, so its data are one line."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(document))


def identified(cursor: Cursor, text: bytes) -> bytes:
    """The event with its id."""
    return b"id: %b\n%b" % (encoded(cursor).encode(), text)


def beat(cursor: Cursor) -> bytes:
    """An id without an event: nobody is told of it, but it is the one that the client comes back with."""
    return b"id: %b\n\n" % encoded(cursor).encode()


OPENING = b"retry: %d\n\n" % RETRY_MS
BREATH = b":\n\n"
"""A comment: while there is no cursor to tell, it shows that somebody is there."""
