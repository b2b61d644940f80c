"""Page tokens: what goes in comes out, for the same list; anything else is refused."""

import base64
import random
import string
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.tasks.domain.listing import Listing, Order, Position, SortField, SortValue
from services.tasks.domain.values import Priority, Status, TaskId
from services.tasks.mapping.page_token import MAX_CHARACTERS, page_token, position_of

ID = TaskId(UUID("01890000-0000-7000-8000-000000000001"))
VALUES: dict[SortField, list[SortValue]] = {
    SortField.CREATE_TIME: [datetime(2030, 1, 1, 12, 0, 0, 123_000, tzinfo=UTC)],
    SortField.UPDATE_TIME: [datetime(1970, 1, 1, tzinfo=UTC)],
    SortField.DUE_TIME: [datetime(9999, 12, 31, tzinfo=UTC), datetime(9998, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)],
    SortField.PRIORITY: [1, 3],
    SortField.TITLE: ["a", "a.b.c", "ä 🦊" * 50, "🦊" * 200],
}


@pytest.mark.parametrize("field", SortField)
def test_a_position_survives_its_token(field: SortField) -> None:
    listing = Listing(order=Order(field), status=Status.PENDING, priority=Priority.LOW, fields=frozenset(["title"]))
    for value in VALUES[field]:
        token = page_token(listing, Position(value, ID))
        assert len(token) <= MAX_CHARACTERS
        assert set(token) <= set(string.ascii_letters + string.digits + "-_")
        assert position_of(listing, token) == Position(value, ID)


def test_a_token_of_another_list_is_refused() -> None:
    lists = [
        Listing(order=Order(field, descending), status=status, priority=priority, fields=fields)
        for field in SortField
        for descending in (True, False)
        for status in (None, Status.PENDING)
        for priority in (None, Priority.LOW)
        for fields in (frozenset[str](), frozenset(["title"]))
    ]
    tokens = [page_token(one, Position(VALUES[one.order.field][0], ID)) for one in lists]
    for one, listing in enumerate(lists):
        for other, token in enumerate(tokens):
            if one != other:
                with pytest.raises(ValueError, match="page token"):
                    position_of(listing, token)


def test_garbage_is_refused_whatever_it_is() -> None:
    listing, chance = Listing(), random.Random(7)
    good = page_token(listing, Position(datetime(2030, 1, 1, tzinfo=UTC), ID))
    # Whole, and of values that this order does not have.
    tokens = [page_token(listing, Position(value, ID)) for value in ("", "x", "9" * 30, "-" + "9" * 17, "1.5", "\0")]
    tokens += [base64.urlsafe_b64encode(text.encode()).decode() for text in ("", ".", "..", f"0.{ID.hex}.1")]
    tokens += ["".join(chance.choices(string.printable + "ä\0", k=chance.randint(1, 90))) for _ in range(500)]
    tokens += [good[:end] for end in range(len(good))]
    tokens += [good + "====", good + "\n", "=" * 8, "A" * (MAX_CHARACTERS + 1)]
    for token in tokens:
        with pytest.raises(ValueError, match="page token"):
            position_of(listing, token)
