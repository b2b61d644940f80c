"""The rules of the domain that the stories do not reach."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from chassis.errors import Invalid
from services.notify.domain.delivery import NO_ATTEMPTS_LEFT, Delivery, State
from services.notify.domain.derivation import derived_id, reminder_id
from services.notify.domain.inbox import Cursor, page_size
from services.notify.domain.reminder import Reminder
from services.notify.domain.texts import TITLE_CHARACTERS, moment, one_line, person, quoted

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=90)


@pytest.mark.parametrize(
    ("ahead", "open", "soon", "late"),
    [
        (timedelta(hours=24), True, True, False),
        (timedelta(hours=24, milliseconds=1), True, False, False),
        (timedelta(milliseconds=1), True, True, False),
        (timedelta(0), True, False, True),
        (timedelta(days=-400), True, False, True),
        (timedelta(hours=1), False, False, False),
        (timedelta(hours=-1), False, False, False),
        (None, True, False, False),
    ],
)
def test_the_time_to_remind(ahead: timedelta | None, open: bool, soon: bool, late: bool) -> None:
    due = None if ahead is None else NOW + ahead
    reminder = Reminder(uuid4(), uuid4(), "Pay", due, open, 1)
    assert (reminder.due_soon(NOW), reminder.too_late(NOW)) == (soon, late)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  a\tb\r\nc  ", "a b c"),
        ("a\u2028b\u2029c\x00d\x85e", "a b c d e"),
        ("\u202eevil\u2066", "evil"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("x" * 81, "x" * 79 + "…"),
        ("x" * 80, "x" * 80),
        ("", ""),
    ],
)
def test_what_people_wrote_fits_on_a_line(text: str, line: str) -> None:
    assert one_line(text, TITLE_CHARACTERS) == line


def test_words() -> None:
    assert person(" \n ") == "there"
    assert quoted("<b>") == "“<b>”"
    assert moment(NOW) == "2026-11-23 at 12:00 UTC"


def test_ids_follow_from_their_cause() -> None:
    event, task = uuid4(), uuid4()
    assert derived_id("welcome", event) == derived_id("welcome", event)
    assert derived_id("welcome", event) != derived_id("welcome-mail", event)
    assert reminder_id(task, NOW) == reminder_id(task, NOW)
    assert reminder_id(task, NOW) != reminder_id(task, NOW + timedelta(milliseconds=1))
    assert derived_id("welcome", event).version == 5


def test_a_page_token_is_read_as_it_was_written() -> None:
    cursor = Cursor(NOW.replace(microsecond=123_000), uuid4())
    assert Cursor.parse(cursor.token) == cursor
    assert cursor.token.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("asked", [-1, 101])
def test_a_page_has_a_largest_size(asked: int) -> None:
    with pytest.raises(Invalid):
        page_size(asked)
    assert (page_size(0), page_size(100)) == (20, 100)


def queued() -> Delivery:
    return Delivery.welcome(uuid4(), uuid4(), "Ada", "ada@example.com", "example.com", "", NOW)


def test_a_delivery_counts_an_attempt_before_it_is_made() -> None:
    delivery = queued()
    delivery.begin(NOW, LEASE, most=2)
    assert (delivery.state, delivery.attempts, delivery.due_at) == (State.SENDING, 1, NOW + LEASE)
    delivery.defer(NOW, "SMTP 451", 5, most=2)
    assert (delivery.state, delivery.error, delivery.due_at) == (State.QUEUED, "SMTP 451", NOW + timedelta(seconds=5))
    delivery.begin(NOW, LEASE, most=2)
    delivery.defer(NOW, "SMTP 452", 5, most=2)
    assert (delivery.state, delivery.error, delivery.due_at) == (State.FAILED, "SMTP 452", None)


def test_a_delivery_whose_last_attempt_crashed_has_failed() -> None:
    delivery = queued()
    delivery.begin(NOW, LEASE, most=1)
    delivery.begin(NOW + LEASE, LEASE, most=1)
    assert (delivery.state, delivery.attempts, delivery.error) == (State.FAILED, 1, NO_ATTEMPTS_LEFT)
    assert delivery.ended_at == NOW + LEASE


def test_a_delivery_shows_no_address() -> None:
    assert "ada@example.com" not in repr(queued())
    assert "Ada" not in repr(queued())
