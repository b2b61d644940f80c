"""What can be seen is told from what only takes place."""

import pytest

from chassis.text import is_blank


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u00a0\u2003", "\t\n", "\u200b", "\u200d\u200c", "\u2060", "\ufeff", "\u00ad", "\u202e\u202c", "\u2028",
     "\u0301", "\ufe0f", "\u034f", "\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u2065", "\ufff0", "\U000e0041",
     "\U000e0fff", " \u200b \u3164 "],
)  # fmt: skip
def test_nothing_to_be_seen(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize(
    "text",
    ["x", "7", "-", "!", "é", "e\u0301", "\u200bx", "张", "한", "ا", "€", "👩\u200d💻", "❤\ufe0f",
     "🏴\U000e0067\U000e007f", "\U0001fae9", "\ue000"],
)  # fmt: skip
def test_something_to_be_seen(text: str) -> None:
    assert not is_blank(text)
