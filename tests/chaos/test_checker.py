"""The checker finds what it is there to find: in a history made by hand each kind of damage is done once."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from primetrade.tasks.v1 import events_pb2 as tasks

from tests.chaos.checker import Verdict, check
from tests.chaos.history import Attempt, History, Outcome, Verb
from tests.chaos.observed import Mail, Observed, Record, Stored
from tests.chaos.promises import Promise
from tests.chaos.sound import (
    ATTEMPTS,
    DEAD,
    DOCUMENTS,
    GONE,
    OBSERVED,
    RECORDS,
    STATE,
    STORY,
    TASK,
    TASKS,
    attempt,
    record,
    task,
    updated,
)

Damage = Callable[[list[Attempt], dict[str, Any]], object]


def judged(damage: Damage | None = None) -> Verdict:
    attempts = list(ATTEMPTS)
    parts: dict[str, Any] = {
        "documents": list(OBSERVED.documents), "records": list(OBSERVED.records), "letters": list(OBSERVED.letters),
        "reminders": dict(OBSERVED.reminders), "mails": list(OBSERVED.mails),
    }  # fmt: skip
    if damage is not None:
        damage(attempts, parts)
    return check(History(attempts), Observed(**parts))


def drop(part: str, wanted: Callable[[Any], bool]) -> Damage:
    def damage(_: list[Attempt], parts: dict[str, Any]) -> None:
        parts[part] = [one for one in parts[part] if not wanted(one)]

    return damage


def change(part: str, wanted: Callable[[Any], bool], **fields: object) -> Damage:
    def damage(_: list[Attempt], parts: dict[str, Any]) -> None:
        assert any(wanted(one) for one in parts[part])
        parts[part] = [replace(one, **fields) if wanted(one) else one for one in parts[part]]

    return damage


def add(part: str, *more: object) -> Damage:
    def damage(attempts: list[Attempt], parts: dict[str, Any]) -> None:
        everything: list[Any] = attempts if part == "attempts" else parts[part]
        everything.extend(more)

    return damage


def is_document(id: str) -> Callable[[Stored], bool]:
    return lambda document: document.id == id


def at(*offsets: int) -> Callable[[Record], bool]:
    return lambda record: record.topic == TASKS and record.offset in offsets


def swapped(_: list[Attempt], parts: dict[str, Any]) -> None:
    """The completion is seen before the change of the title."""
    places = {1: 2, 2: 1}
    moved: Iterable[Record] = parts["records"]
    parts["records"] = [
        replace(one, offset=places.get(one.offset, one.offset)) if one.topic == TASKS else one for one in moved
    ]


COMPLETED_BEFORE = {"title": "one", "status": "pending", "priority": 1}
DAMAGES: dict[str, tuple[Promise, Damage]] = {
    "a lost account": (Promise.WRITE_KEPT, drop("documents", lambda one: one.collection == "auth.accounts")),
    "a lost change, its event with it": (Promise.WRITE_KEPT, change("records", at(1, 7), value=RECORDS[2].value)),
    "a lost delete": (Promise.WRITE_KEPT, change("documents", is_document(GONE), deleted=False)),
    "a lost completion": (
        Promise.WRITE_KEPT,
        change("records", at(2, 3), value=updated(task("two"), "status").SerializeToString()),
    ),
    "a found task that is not found": (
        Promise.WRITE_KEPT,
        add("attempts", attempt(Verb.CHANGE, TASK, "x", 9, Outcome.REFUSED)),
    ),
    "a change twice": (
        Promise.WRITE_ONCE,
        add("records", record(TASKS, 8, TASK, 5, updated(task("two"), "title"))),
    ),
    "a create twice": (
        Promise.WRITE_ONCE,
        add("records", record(TASKS, 8, "task-3", 1, tasks.TaskCreated(task=task("one")))),
    ),
    "a refused change that happened": (
        Promise.WRITE_ASKED,
        add("records", record(TASKS, 8, GONE, 3, updated(task("too late"), "title"))),
    ),
    "a change that nobody asked for": (
        Promise.WRITE_ASKED,
        add("records", record(TASKS, 8, TASK, 5, updated(task("who?"), "title"))),
    ),
    "a change after its successor": (
        Promise.WRITE_IN_ORDER,
        add("attempts", attempt(Verb.CREATE, TASK, "one", 7)),
    ),
    "a document at an earlier state": (
        Promise.STATE_TOLD,
        change("documents", is_document(TASK), fields=COMPLETED_BEFORE),
    ),
    "a save without an event": (Promise.STATE_TOLD, change("documents", is_document(TASK), version=4)),
    "a lost event": (Promise.EVENT_TOLD, drop("records", at(3))),
    "a lost first event": (Promise.EVENT_TOLD, drop("records", at(4))),
    "an event never published": (Promise.EVENT_TOLD, change("documents", is_document(TASK), pending=1)),
    "an event ahead of its state": (Promise.EVENT_DURABLE, change("documents", is_document(TASK), sequence=3)),
    "an event of nothing": (Promise.EVENT_DURABLE, drop("documents", is_document(GONE))),
    "two events of one number": (Promise.EVENT_DURABLE, change("records", at(7), value=b"")),
    "two events swapped": (Promise.EVENT_IN_ORDER, swapped),
    "an aggregate in two partitions": (Promise.EVENT_IN_ORDER, change("records", at(7), partition=1)),
    "garbage that nobody sent": (Promise.EVENT_READABLE, add("records", Record(TASKS, 0, 9, "", {}, b""))),
    "a lost entry": (Promise.EFFECT_HAPPENED, drop("documents", is_document("entry-2"))),
    "a doubled entry": (Promise.EFFECT_ONCE, add("documents", replace(DOCUMENTS[5], id="entry-3"))),
    "a doubled welcome": (Promise.EFFECT_ONCE, add("documents", replace(DOCUMENTS[4], id="entry-3"))),
    "a reminder of nothing": (
        Promise.EFFECT_ONCE,
        add("documents", replace(DOCUMENTS[5], id="entry-3", fields={"kind": "task-due-soon", "task_id": TASK})),
    ),
    "a lost mail": (Promise.EFFECT_HAPPENED, drop("mails", lambda _: True)),
    "a doubled mail": (Promise.EFFECT_ONCE, add("mails", Mail("<2@x>", "ada@x"))),
    "a projection that stopped": (Promise.EFFECT_HAPPENED, lambda _, parts: parts["reminders"].update({TASK: 3})),
    "an account without a profile": (
        Promise.EFFECT_HAPPENED,
        drop("documents", lambda one: one.collection == "users.profiles"),
    ),
    "poison that was passed over": (Promise.POISON_ASIDE, drop("letters", lambda _: True)),
    "poison that was altered": (Promise.POISON_ASIDE, change("letters", lambda _: True, value=b"")),
    "poison put aside by a service that never had it": (
        Promise.ONLY_POISON_ASIDE,
        add(
            "letters",
            replace(
                OBSERVED.letters[0],
                topic=f"{TASKS}.users.dlq",
                headers={**OBSERVED.letters[0].headers, "dlq_group": "primetrade.users"},
            ),
        ),
    ),
    "an event put aside": (
        Promise.ONLY_POISON_ASIDE,
        add("letters", replace(RECORDS[3], topic=DEAD, headers={**RECORDS[3].headers, **STORY, "dlq_offset": "1"})),
    ),
    "a dead letter without its story": (Promise.ONLY_POISON_ASIDE, change("letters", lambda _: True, headers={})),
}  # fmt: skip


def test_a_sound_history_breaks_no_promise() -> None:
    verdict = judged()
    assert [str(finding) for finding in verdict.findings] == []
    assert verdict.sizes["writes acknowledged"] == 6
    assert verdict.sizes["events"] == 8
    assert verdict.repeats == {
        "events published again": 1,
        "mails sent again under their Message-ID": 0,
        "dead letters written again": 0,
    }


@pytest.mark.parametrize(("promise", "damage"), DAMAGES.values(), ids=DAMAGES)
def test_a_damage_is_found(promise: Promise, damage: Damage) -> None:
    assert judged(damage).count(promise) == 1


def test_a_lost_task_loses_every_write_that_was_acknowledged_of_it() -> None:
    verdict = judged(drop("documents", is_document(TASK)))
    assert verdict.count(Promise.WRITE_KEPT) == 3
    assert "no document in tasks.tasks: change task-1 two" in str(verdict.findings)


def test_every_promise_can_be_broken() -> None:
    assert {promise for promise, _ in DAMAGES.values()} == set(Promise)


def test_an_unknown_outcome_may_have_happened_or_not() -> None:
    late = (
        change("documents", is_document(TASK), version=4, sequence=5, fields={**STATE, "title": "never came"}),
        add("records", record(TASKS, 8, TASK, 5, updated(task("never came", "COMPLETED"), "title"))),
        lambda _, parts: parts["reminders"].update({TASK: 5}),
    )
    verdict = judged(lambda attempts, parts: [damage(attempts, parts) for damage in late])
    assert [str(finding) for finding in verdict.findings] == []


def test_raw_repeats_are_reported_and_break_nothing() -> None:
    def damage(_: list[Attempt], parts: dict[str, Any]) -> None:
        parts["mails"].append(Mail("<1@x>", "ada@x"))
        parts["letters"].append(replace(parts["letters"][0], offset=1))

    verdict = judged(damage)
    assert [str(finding) for finding in verdict.findings] == []
    assert verdict.repeats["mails sent again under their Message-ID"] == 1
    assert verdict.repeats["dead letters written again"] == 1
