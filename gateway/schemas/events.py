"""The live stream."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from gateway.schemas.base import Answer
from gateway.schemas.notifications import Notification
from gateway.schemas.tasks import Task

_SEQUENCE = Field(description="the number of the event within its task or notification: one that is not higher than "
                  "the last was told before")  # fmt: skip
_TIME = Field(description="when it happened")


class TaskEvent(Answer):
    """The task after the change, as REST tells it."""

    sequence: int = _SEQUENCE
    time: datetime = _TIME
    task: Task


class TaskDeletedEvent(Answer):
    """A task is no more."""

    sequence: int = _SEQUENCE
    time: datetime = _TIME
    task_id: UUID


class NotificationEvent(Answer):
    """The entry of the inbox after the change, as REST tells it."""

    sequence: int = _SEQUENCE
    time: datetime = _TIME
    notification: Notification


class ResetEvent(Answer):
    """What happened since the last id cannot be told: read by REST what the client shows. Then the stream goes on."""

    reason: Literal["gone", "late", "lost"] = Field(
        description="gone: the id is too old, or of another log; late: the events could not be read when the stream "
        "was opened; lost: the log was lost while it was open"
    )


class EndEvent(Answer):
    """The last event of a stream."""

    reason: Literal["session-ended", "token-expired", "unavailable", "shutdown"] = Field(
        description="after shutdown come back with the same token; after token-expired with another; unavailable: "
        "which sessions ended is not known"
    )


KINDS: dict[str, type[Answer]] = {
    "task-created": TaskEvent,
    "task-updated": TaskEvent,
    "task-completed": TaskEvent,
    "task-deleted": TaskDeletedEvent,
    "notification-created": NotificationEvent,
    "notification-updated": NotificationEvent,
    "reset": ResetEvent,
    "end": EndEvent,
}
"""What the data of an event are, by its name."""

DESCRIPTION = """\
The caller's events as they happen, as server-sent events (WHATWG HTML, 9.2): changes of tasks and notifications, in
order within each. `task-completed` follows the `task-updated` of the same change.

Every event has an `id`, and an id alone comes while nothing happens. A client that comes back with the last one in
`Last-Event-ID`, at whatever gateway, gets what it missed within five minutes. `reset` says that this cannot be done:
read again by REST what you show. To begin, open the stream, wait for the first id, then read by REST.

An event may come twice, also late: `sequence` tells. The stream ends with `end` when its session ends, its token
expires or the gateway stops; a client that reads too slowly is cut without a word. Comments and `retry` mean what they
mean there. `EventSource` of browsers cannot send a token: use a client that can.
"""

_EXAMPLE_ID = "AQOTAQLiPw"
EXAMPLE = f"""\
retry: 2000

id: {_EXAMPLE_ID}

id: {_EXAMPLE_ID}
event: task-deleted
data: {{"sequence":4,"time":"2030-01-31T17:00:00.000Z","taskId":"0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11"}}

"""
