"""The values of a task, by themselves."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.tasks.domain.values import AFTER_LAST_DUE, FIRST_DUE, description, due_time, title


def test_a_title_is_trimmed() -> None:
    assert title(" \u2003 Buy milk\n") == "Buy milk"


@pytest.mark.parametrize("control", [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))])
def test_a_title_has_no_control_character(control: str) -> None:
    with pytest.raises(ValueError, match="control"):
        title(f"a{control}b")


def test_a_title_can_be_seen() -> None:
    assert title("\u200b👩\u200d💻") == "\u200b👩\u200d💻"
    with pytest.raises(ValueError, match="visible"):
        title("\u200b")


@pytest.mark.parametrize("control", [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))])
def test_a_description_has_no_control_character_but_tab_and_newline(control: str) -> None:
    if control in "\t\n":
        assert description(f"a{control}b") == f"a{control}b"
    elif control == "\r":
        assert description("a\rb\r\nc\n\rd") == "a\nb\nc\n\nd"
    else:
        with pytest.raises(ValueError, match="control"):
            description(f"a{control}b")


def test_lengths_count_characters_after_trimming() -> None:
    assert len(title(" " * 50 + "ö" * 200)) == 200
    assert len(description("\n" + "ö" * 10_000 + "\r\n")) == 10_000
    with pytest.raises(ValueError, match="200"):
        title("ö" * 201)
    with pytest.raises(ValueError, match="10,000"):
        description("ö" * 10_001)


def test_a_due_time_is_cut_to_milliseconds_in_utc() -> None:
    at = datetime(2031, 5, 1, 12, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))
    assert due_time(at) == datetime(2031, 5, 1, 10, 30, 0, 123_000, tzinfo=UTC)
    assert due_time(at).tzinfo is UTC


@pytest.mark.parametrize("at", [FIRST_DUE - timedelta(microseconds=1), AFTER_LAST_DUE])
def test_a_due_time_is_in_a_sane_range(at: datetime) -> None:
    assert due_time(FIRST_DUE) == FIRST_DUE
    with pytest.raises(ValueError, match="years"):
        due_time(at)
