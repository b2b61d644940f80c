"""What the consumers did: each event's effect is there, once."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.chaos.event import Event, Log
from tests.chaos.observed import Observed, Stored
from tests.chaos.promises import Finding, Promise

_WELCOME, _COMPLETED, _DUE_SOON = "welcome", "task-completed", "task-due-soon"


def check_effects(observed: Observed, log: Log) -> Iterator[Finding]:
    """Inboxes, mails, and the projections that one service keeps of another."""
    entries: dict[tuple[str, str], list[Stored]] = defaultdict(list)
    for entry in observed.of("notify.notifications").values():
        about = entry.fields["owner_id"] if entry.fields["kind"] == _WELCOME else entry.fields["task_id"]
        entries[str(entry.fields["kind"]), str(about)].append(entry)
    told = _by_kind(log)
    yield from _counted(entries, _WELCOME, told["AccountRegistered"])
    yield from _counted(entries, _COMPLETED, told["TaskCompleted"])
    yield from _reminded(observed, entries, log)
    yield from _mailed(observed, told["AccountRegistered"])
    yield from _projected(observed, log)


def _by_kind(log: Log) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for story in log.stories.values():
        for event in story.events():
            found[event.kind].append(event)
    return found


def _counted(entries: dict[tuple[str, str], list[Stored]], kind: str, causes: list[Event]) -> Iterator[Finding]:
    """As many entries of this kind about each subject as events that cause one."""
    expected = Counter(event.subject for event in causes)
    found = {subject: len(those) for (of, subject), those in entries.items() if of == kind}
    for subject in sorted(expected.keys() | found.keys()):
        yield from _compared(f"{kind} entries in the inbox", subject, found.get(subject, 0), expected[subject])


def _compared(what: str, subject: str, found: int, expected: int) -> Iterator[Finding]:
    if found != expected:
        promise = Promise.EFFECT_ONCE if found > expected else Promise.EFFECT_HAPPENED
        yield Finding(promise, subject, f"{found} {what} instead of {expected}")


def _reminded(observed: Observed, entries: dict[tuple[str, str], list[Stored]], log: Log) -> Iterator[Finding]:
    """At most one reminder for each due time a task ever had; the load makes every due time come within a day, so a
    task that ends open has one for its last."""
    tasks = observed.of("tasks.tasks")
    for subject in sorted(tasks):
        events = log.story("primetrade.tasks.v1", subject).events()
        dues = {event.message.task.due_time.ToJsonString() for event in events if _due(event)}  # type: ignore[attr-defined]
        found = len(entries.get((_DUE_SOON, subject), ()))
        owed = bool(events) and _due(events[-1]) and tasks[subject].fields.get("status") != "completed"
        if found > len(dues):
            yield Finding(Promise.EFFECT_ONCE, subject, f"{found} reminders of {len(dues)} due times")
        if owed and not found:
            yield Finding(Promise.EFFECT_HAPPENED, subject, "no reminder of a task that is due within a day")


def _due(event: Event) -> bool:
    task = getattr(event.message, "task", None)
    return task is not None and bool(task.HasField("due_time"))


def _mailed(observed: Observed, registrations: list[Event]) -> Iterator[Finding]:
    """One welcome mail for each registration; the same Message-ID again is no second mail."""
    ids: dict[str, set[str]] = defaultdict(set)
    for mail in observed.mails:
        ids[mail.recipient].add(mail.message_id)
    expected = Counter(str(event.message.account.email) for event in registrations)  # type: ignore[attr-defined]
    for address in sorted(expected.keys() | ids.keys()):
        yield from _compared(f"mails {sorted(ids[address])}", address, len(ids[address]), expected[address])


def _projected(observed: Observed, log: Log) -> Iterator[Finding]:
    profiles, accounts = observed.of("users.profiles"), observed.of("auth.accounts")
    for subject, account in accounts.items():
        profile = profiles.get(subject)
        if profile is None:
            yield Finding(Promise.EFFECT_HAPPENED, subject, "an account without its profile")
        elif profile.fields["name"] != account.fields["name"]:
            names = f"{account.fields['name']!r}, its profile says {profile.fields['name']!r}"
            yield Finding(Promise.EFFECT_HAPPENED, subject, f"the account says {names} ({profile.sequence})")
    for subject, task in observed.of("tasks.tasks").items():
        reached = observed.reminders.get(subject, 0)
        if reached != task.sequence:
            evidence = f"notify's projection is at {reached}, the task at {task.sequence}"
            yield Finding(Promise.EFFECT_HAPPENED, subject, evidence)


def repeated_mails(observed: Observed) -> int:
    """Mails that came again under their Message-ID."""
    return len(observed.mails) - len({(mail.recipient, mail.message_id) for mail in observed.mails})
