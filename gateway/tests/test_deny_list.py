"""The list itself: what it knows, for how long, and how much of it."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from chassis.errors import Unauthenticated, Unavailable
from gateway.deny_list import DenyList

START = datetime(2030, 1, 1, tzinfo=UTC)
RETENTION = timedelta(seconds=960)


class Time:
    """Both clocks, moved together."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return 5_000 + self.passed


class Listed:
    """A list that is whole, in a world where time stands still."""

    def __init__(self, limit: int = 10) -> None:
        self.time = Time()
        self.list = DenyList(self.time, limit, 60, self.time.monotonic)
        self.list.confirm(self.time.monotonic())

    def ends(self, session: str, seconds_ago: float = 0) -> None:
        self.list.add(session, (self.time.now() - timedelta(seconds=seconds_ago)).timestamp())

    def denied(self, *sessions: str) -> list[str]:
        return [session for session in sessions if self._denied(session)]

    def _denied(self, session: str) -> bool:
        try:
            self.list.check(session)
        except Unauthenticated:
            return True
        return False


def test_an_ended_session_is_denied_until_no_token_of_it_can_be_valid() -> None:
    listed = Listed()
    listed.list.keep_for(RETENTION)
    listed.ends("ended")
    assert listed.denied("ended", "alive") == ["ended"]
    listed.time.passed = 959
    listed.list.confirm(listed.time.monotonic())
    listed.list.forget()
    assert listed.denied("ended") == ["ended"]
    listed.time.passed = 960
    listed.list.forget()
    assert listed.denied("ended") == []
    assert len(listed.list) == 0


def test_the_order_in_which_ends_are_told_and_how_often_changes_nothing() -> None:
    listed = Listed()
    listed.list.keep_for(RETENTION)
    for session, ago in (("c", 1), ("a", 900), ("b", 500), ("a", 900), ("c", 1)):
        listed.ends(session, ago)
    assert listed.denied("a", "b", "c") == ["a", "b", "c"]
    for passed, left in ((60, ["b", "c"]), (460, ["c"]), (959, [])):
        listed.time.passed = passed
        listed.list.confirm(listed.time.monotonic())
        listed.list.forget()
        assert listed.denied("a", "b", "c") == left
    assert len(listed.list) == 0


def test_nothing_is_forgotten_before_it_is_known_for_how_long_it_counts() -> None:
    listed = Listed()
    listed.ends("long ago", 100_000)
    listed.list.forget()
    assert listed.denied("long ago") == ["long ago"]
    listed.list.keep_for(RETENTION)
    listed.list.forget()
    assert listed.denied("long ago") == []


def test_an_end_that_is_told_again_long_afterwards_takes_no_room() -> None:
    listed = Listed(limit=2)
    listed.list.keep_for(RETENTION)
    listed.ends("new")
    for number in range(50):
        listed.ends(f"old {number}", 961 + number)
    assert len(listed.list) == 1
    assert listed.denied("new") == ["new"]


def test_above_its_limit_those_go_whose_tokens_expire_first() -> None:
    def dropped() -> float:
        return REGISTRY.get_sample_value("primetrade_deny_list_dropped_sessions_total") or 0

    listed, before = Listed(limit=3), dropped()
    listed.list.keep_for(RETENTION)
    for session, ago in (("d", 10), ("a", 400), ("c", 20), ("b", 300), ("e", 0)):
        listed.ends(session, ago)
    assert listed.denied("a", "b", "c", "d", "e") == ["c", "d", "e"]
    assert (len(listed.list), dropped() - before) == (3, 2)


def test_it_is_behind_before_it_is_known_and_when_nobody_confirms_it_any_more() -> None:
    time = Time()
    deny_list = DenyList(time, 10, 60, time.monotonic)
    assert (deny_list.behind, deny_list.age) == (True, float("inf"))
    with pytest.raises(Unavailable):
        deny_list.check("alive")
    deny_list.confirm(time.monotonic())
    deny_list.check("alive")
    time.passed = 60
    assert not deny_list.behind
    deny_list.confirm(time.monotonic() - 10)
    # An older certainty does not make it older.
    deny_list.confirm(time.monotonic() - 20)
    assert deny_list.age == 10
    time.passed = 111
    assert deny_list.behind
    with pytest.raises(Unavailable):
        deny_list.check("alive")


def test_a_session_that_is_known_to_have_ended_is_denied_even_while_the_list_is_behind() -> None:
    listed = Listed()
    listed.ends("ended")
    listed.time.passed = 61
    assert listed.list.behind
    assert listed.denied("ended") == ["ended"]
