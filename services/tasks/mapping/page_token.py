"""Page tokens (AIP-158): where the next page of a list begins, opaque to clients and good for that list only.

A token is base64url of `<checksum>.<id of the last task shown>.<its value in the order>`; the checksum is over these
and every argument of the list. It guards against mistakes and is no signature: a token made up on purpose names a place
in one's own tasks and nothing more.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.tasks.domain.listing import Listing, Order, Position, SortField, SortValue
from services.tasks.domain.values import Priority, TaskId

MAX_CHARACTERS = 2_048
"""More than the longest title needs."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def page_token(listing: Listing, position: Position) -> str:
    """The token of a position in a list."""
    place = f"{position.id.hex}.{_written(position.value)}"
    text = f"{_checksum(listing, place)}.{place}"
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def position_of(listing: Listing, token: str) -> Position:
    """The position that the token was made of. Raises ValueError unless it was made for this list."""
    position = _decoded(listing.order, token)
    if position is None or page_token(listing, position) != token:
        raise ValueError("is not a page token of this list: every other argument must be as it was")
    return position


def _decoded(order: Order, token: str) -> Position | None:
    if len(token) > MAX_CHARACTERS:
        return None
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        _, task_id, value = text.split(".", 2)
        return Position(_READ[order.field](value), TaskId(UUID(hex=task_id)))
    except (ValueError, OverflowError):
        return None


def _checksum(listing: Listing, place: str) -> str:
    order = listing.order
    told = (order.field, order.descending, listing.status, listing.priority, sorted(listing.fields), place)
    return hashlib.sha256("\n".join(map(str, told)).encode()).hexdigest()[:16]


def _written(value: SortValue) -> str:
    return str((value - _EPOCH) // _MILLISECOND) if isinstance(value, datetime) else str(value)


def _time(text: str) -> datetime:
    return _EPOCH + int(text) * _MILLISECOND


def _priority(text: str) -> int:
    return Priority(int(text)).value


_READ: Mapping[SortField, Callable[[str], SortValue]] = {
    SortField.CREATE_TIME: _time,
    SortField.UPDATE_TIME: _time,
    SortField.DUE_TIME: _time,
    SortField.PRIORITY: _priority,
    SortField.TITLE: str,
}
