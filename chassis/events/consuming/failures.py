"""What a handler says by raising: overtaken; try again without limit, or a few times; put it aside now."""

import sys
from enum import Enum

from chassis.errors import DeadlineExceeded, Unavailable


class Permanent(Exception):
    """Raised by a handler that knows that no further attempt can help: the record goes to the dead letters at once."""


class Superseded(Exception):
    """Raised by a handler that has already applied a later event of the same aggregate, so that this one changed
    nothing. It is an end like any other, never a failure: a late repeat and a redriven dead letter end so."""


class Failure(Enum):
    """The kinds of failed attempts. The value is the `reason` in metrics and logs."""

    AWAY = "away"
    """An engine or a neighbour is away. It says nothing about the record, which is tried without limit."""
    ERROR = "error"
    """The record itself may be at fault. It is tried a bounded number of times."""
    PERMANENT = "permanent"
    """The handler said so."""
    UNDECODABLE = "undecodable"
    """The record is no event as promised, or its data are not of its type."""


def is_away(error: BaseException) -> bool:
    """Whether the error tells of an engine or a neighbour that is away, rather than of the record."""
    if isinstance(error, Unavailable | DeadlineExceeded | ConnectionError | TimeoutError):
        return True
    if "pymongo" not in sys.modules:  # a process without a database has no driver, and may have none installed
        return False
    from chassis.mongo import translate

    return translate(error) is not None
