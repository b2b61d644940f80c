"""The topics against the documents: each aggregate's events are 1, 2, 3, … up to its sequence, in that order."""

from collections.abc import Iterable, Iterator, Mapping

from primetrade.tasks.v1 import tasks_pb2

from tests.chaos.event import Event, Log, Story
from tests.chaos.observed import Observed, Stored
from tests.chaos.promises import Finding, Promise

TOPICS = {
    "auth.accounts": "primetrade.auth.v1",
    "auth.sessions": "primetrade.auth.v1",
    "users.profiles": "primetrade.users.v1",
    "tasks.tasks": "primetrade.tasks.v1",
    "notify.notifications": "primetrade.notifications.v1",
}
"""Where the events of each collection's aggregates are published."""

_STATUS = {
    tasks_pb2.TASK_STATUS_PENDING: "pending",
    tasks_pb2.TASK_STATUS_IN_PROGRESS: "in-progress",
    tasks_pb2.TASK_STATUS_COMPLETED: "completed",
}
_LAST = frozenset({"TaskDeleted", "SessionRevoked"})
"""The events after which there is nothing but a tombstone."""
_WITHIN_ANOTHER_SAVE = frozenset({"TaskCompleted"})
_OWN_VERSION = frozenset({"tasks.tasks", "users.profiles", "notify.notifications"})
"""Collections in which every save publishes, so that the saves can be counted by the events."""


def check_events(observed: Observed, log: Log) -> Iterator[Finding]:
    """Missing, disordered, premature, contradicting and unreadable events."""
    for record, why in log.strange:
        yield Finding(Promise.EVENT_READABLE, record.place, f"{why}: {dict(record.headers)}")
    documents = {(TOPICS[document.collection], document.id): document for document in observed.documents}
    for (topic, subject), document in documents.items():
        story = log.story(topic, subject)
        yield from _complete(document, story)
        yield from _told_truly(document, story)
    for story in log.stories.values():
        yield from _ordered(story)
        yield from _durable(story, documents)
        yield from _same(story)


def _complete(document: Stored, story: Story) -> Iterator[Finding]:
    missing = [sequence for sequence in range(1, document.sequence + 1) if sequence not in story.first]
    if missing or document.pending:
        evidence = (
            f"{document.collection} has {document.sequence} events, {document.pending} of them pending; "
            f"{story.topic} lacks {missing} and has {_list(story.told)}"
        )
        yield Finding(Promise.EVENT_TOLD, document.id, evidence)


def _ordered(story: Story) -> Iterator[Finding]:
    order = list(story.first)
    partitions = {event.record.partition for event in story.told}
    if order != sorted(order) or len(partitions) > 1:
        yield Finding(Promise.EVENT_IN_ORDER, story.subject, f"first seen as {_list(story.first.values())}")


def _durable(story: Story, documents: Mapping[tuple[str, str], Stored]) -> Iterator[Finding]:
    document = documents.get((story.topic, story.subject))
    known = document.sequence if document is not None else 0
    if early := [event for sequence, event in story.first.items() if sequence > known]:
        yield Finding(Promise.EVENT_DURABLE, story.subject, f"the document has {known} events, but {_list(early)}")


def _same(story: Story) -> Iterator[Finding]:
    """A repeat says what was said before, under the same id."""
    for event in story.told:
        first = story.first[event.sequence]
        if (event.id, event.record.value) != (first.id, first.record.value):
            yield Finding(Promise.EVENT_DURABLE, story.subject, f"{event} contradicts {first}")


def _told_truly(document: Stored, story: Story) -> Iterator[Finding]:
    """The last event tells the state of the document, and the events tell how often it was saved."""
    events = story.events()
    if not events:
        return
    last = events[-1]
    differing = dict(_differences(document, last))
    if document.deleted != (last.kind in _LAST):
        differing["deleted"] = f"{document.deleted}, told by {last.kind}"
    saves = sum(event.kind not in _WITHIN_ANOTHER_SAVE for event in events)
    if document.collection in _OWN_VERSION and document.version != saves:
        differing["version"] = f"{document.version}, told of {saves} saves"
    if differing:
        yield Finding(Promise.STATE_TOLD, document.id, f"{document.collection} {differing}; last {last}")


def _differences(document: Stored, last: Event) -> Iterator[tuple[str, str]]:
    for name, told in _told(last).items():
        if (stored := document.fields.get(name)) != told:
            yield name, f"{stored!r}, told as {told!r}"


def _told(event: Event) -> Mapping[str, object]:
    """What the event says of the document's fields."""
    message = event.message
    if (task := getattr(message, "task", None)) is not None:
        return {"title": task.title, "status": _STATUS[task.status], "priority": task.priority}
    if (profile := getattr(message, "profile", None)) is not None:
        return {"name": profile.name, "email": profile.email}
    if (account := getattr(message, "account", None)) is not None:
        return {"email": account.email}
    if (entry := getattr(message, "notification", None)) is not None:
        return {"title": entry.title, "body": entry.body}
    return {}


def _list(events: Iterable[Event]) -> str:
    return "[" + ", ".join(map(str, events)) + "]"
