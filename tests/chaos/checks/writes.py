"""The answers of the API against documents and events: every attempt has an outcome that its answer allows."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from primetrade.tasks.v1 import tasks_pb2

from tests.chaos.event import Event, Log, Story
from tests.chaos.history import Attempt, History, Outcome, Verb
from tests.chaos.observed import Observed, Stored
from tests.chaos.promises import Finding, Promise

_MARKED = {"TaskCreated": Verb.CREATE, "TaskUpdated": Verb.CHANGE, "ProfileUpdated": Verb.RENAME}
"""The events that show a marker, and the write that put it there."""


@dataclass(slots=True)
class _Index:
    """Where each marker was seen, and what was tried with each aggregate."""

    sightings: dict[tuple[Verb, str], list[Event]] = field(default_factory=lambda: defaultdict(list))
    deletions: dict[str, Event] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=lambda: defaultdict(list))

    def event_of(self, attempt: Attempt) -> Event | None:
        """The event of an attempt, where it is known which one that is."""
        if attempt.verb is Verb.DELETE:
            return self.deletions.get(attempt.subject)
        seen = self.sightings.get((attempt.verb, attempt.marker))
        return seen[0] if seen else None


def check_writes(history: History, observed: Observed, log: Log) -> Iterator[Finding]:
    """Lost, doubled, unasked and disordered writes."""
    index = _index(history, log)
    documents = {name: observed.of(name) for name in _COLLECTION.values()}
    yield from _happened_once_if_allowed(history, index)
    for attempt in history:
        if attempt.outcome is Outcome.ACKNOWLEDGED:
            yield from _kept(attempt, documents[_COLLECTION[attempt.verb]], index, log)
        yield from _denied(attempt, index)
    for attempts in index.attempts.values():
        yield from _in_order_of_answers(attempts, index)


_COLLECTION = {
    Verb.REGISTER: "auth.accounts",
    Verb.LOGIN: "auth.sessions",
    Verb.LOGOUT: "auth.sessions",
    Verb.RENAME: "users.profiles",
    Verb.CREATE: "tasks.tasks",
    Verb.CHANGE: "tasks.tasks",
    Verb.COMPLETE: "tasks.tasks",
    Verb.DELETE: "tasks.tasks",
    Verb.MARK: "notify.notifications",
}


def _index(history: History, log: Log) -> _Index:
    index = _Index()
    for story in log.stories.values():
        for event in story.events():
            if event.kind == "TaskDeleted":
                index.deletions[event.subject] = event
            elif (verb := _MARKED.get(event.kind)) is not None and (marker := _marker(event)):
                index.sightings[verb, marker].append(event)
    for attempt in history:
        index.attempts[attempt.subject].append(attempt)
    index.attempts.pop("", None)
    return index


def _marker(event: Event) -> str:
    """The marker that this change wrote; empty for one that wrote none."""
    message = event.message
    if event.kind == "TaskUpdated" and "title" not in message.changed.paths:  # type: ignore[attr-defined]
        return ""
    shown = message.profile.name if event.kind == "ProfileUpdated" else message.task.title  # type: ignore[attr-defined]
    return str(shown)


def _happened_once_if_allowed(history: History, index: _Index) -> Iterator[Finding]:
    asked = {(attempt.verb, attempt.marker): attempt for attempt in history if attempt.marker}
    for (verb, marker), events in index.sightings.items():
        attempt = asked.get((verb, marker))
        story = ", ".join(map(str, events))
        if attempt is None or attempt.outcome is Outcome.REFUSED:
            yield Finding(Promise.WRITE_ASKED, events[0].subject, f"{marker}: {story}; {attempt or 'nobody asked'}")
        if len(events) > 1:
            yield Finding(Promise.WRITE_ONCE, events[0].subject, f"{marker}: {story}; {attempt}")


def _kept(attempt: Attempt, documents: Mapping[str, Stored], index: _Index, log: Log) -> Iterator[Finding]:
    document = documents.get(attempt.subject)
    if document is None:
        yield Finding(Promise.WRITE_KEPT, attempt.subject, f"no document in {_COLLECTION[attempt.verb]}: {attempt}")
        return
    story = log.story("primetrade.tasks.v1", attempt.subject)
    match attempt.verb:
        case Verb.CREATE | Verb.CHANGE | Verb.RENAME:
            event = index.event_of(attempt)
            kept = event is not None and event.subject == attempt.subject
        case Verb.DELETE | Verb.LOGOUT:
            kept = document.deleted
        case Verb.MARK:
            kept = document.fields.get("read_at") is not None
        case Verb.REGISTER:
            kept = document.fields.get("email") == attempt.marker
        case Verb.COMPLETE:
            kept = _was_completed(attempt, story, index)
        case Verb.LOGIN:
            kept = True
    if not kept:
        state = f"version {document.version}, deleted {document.deleted}, {dict(document.fields)}"
        yield Finding(Promise.WRITE_KEPT, attempt.subject, f"{attempt}; {state}; {[str(e) for e in story.events()]}")


def _was_completed(attempt: Attempt, story: Story, index: _Index) -> bool:
    """Whether the task was completed at some moment between what came surely before the answer and surely after."""
    others = [(other, index.event_of(other)) for other in index.attempts[attempt.subject] if other is not attempt]
    known = [(other, event.sequence) for other, event in others if event is not None]
    first = max((sequence for other, sequence in known if other.before(attempt)), default=1)
    end = min((sequence for other, sequence in known if attempt.before(other)), default=len(story.first) + 1)
    return any(_completed(story.first[sequence]) for sequence in range(first, end) if sequence in story.first)


def _completed(event: Event) -> bool:
    task = getattr(event.message, "task", None)
    return task is not None and task.status == tasks_pb2.TASK_STATUS_COMPLETED


def _denied(attempt: Attempt, index: _Index) -> Iterator[Finding]:
    """A task that was told of is found until somebody may have deleted it."""
    if attempt.answer != "404" or attempt.verb not in (Verb.CHANGE, Verb.COMPLETE, Verb.DELETE):
        return
    others = [other for other in index.attempts[attempt.subject] if other.began < attempt.ended]
    if not any(other.verb is Verb.DELETE and other.outcome is not Outcome.REFUSED for other in others):
        yield Finding(Promise.WRITE_KEPT, attempt.subject, f"not found, and nobody had deleted it: {attempt}")


def _in_order_of_answers(attempts: list[Attempt], index: _Index) -> Iterator[Finding]:
    placed = [(attempt, event) for attempt in attempts if (event := index.event_of(attempt)) is not None]
    for one, earlier in placed:
        for other, later in placed:
            if one.before(other) and earlier.sequence > later.sequence:
                yield Finding(Promise.WRITE_IN_ORDER, one.subject, f"{one} is {earlier}; {other} is {later}")
