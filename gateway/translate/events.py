"""The events that a person is told of on the live stream: each holds what REST tells of the same thing."""

from collections.abc import Callable
from dataclasses import dataclass

from primetrade.notify.v1 import events_pb2 as notify_events
from primetrade.tasks.v1 import events_pb2 as tasks_events

from chassis.events.envelope import Event
from gateway.answers import Json
from gateway.translate.notifications import notification_json
from gateway.translate.tasks import task_json


@dataclass(frozen=True, slots=True)
class Told:
    """An event on the stream: whose it is, its name, its data."""

    owner: str
    name: str
    document: Json


Names = tuple[str, Callable[[bytes], tuple[str, Json]]]


def _task(
    kind: type[tasks_events.TaskCreated | tasks_events.TaskUpdated | tasks_events.TaskCompleted],
) -> Callable[[bytes], tuple[str, Json]]:
    def read(data: bytes) -> tuple[str, Json]:
        task = kind.FromString(data).task
        return task.owner_id, {"task": task_json(task)}

    return read


def _deleted(data: bytes) -> tuple[str, Json]:
    message = tasks_events.TaskDeleted.FromString(data)
    return message.owner_id, {"taskId": message.task_id}


def _notification(
    kind: type[notify_events.NotificationCreated | notify_events.NotificationUpdated],
) -> Callable[[bytes], tuple[str, Json]]:
    def read(data: bytes) -> tuple[str, Json]:
        notification = kind.FromString(data).notification
        return notification.owner_id, {"notification": notification_json(notification)}

    return read


_NAMES: dict[str, Names] = {
    "primetrade.tasks.v1.TaskCreated": ("task-created", _task(tasks_events.TaskCreated)),
    "primetrade.tasks.v1.TaskUpdated": ("task-updated", _task(tasks_events.TaskUpdated)),
    "primetrade.tasks.v1.TaskCompleted": ("task-completed", _task(tasks_events.TaskCompleted)),
    "primetrade.tasks.v1.TaskDeleted": ("task-deleted", _deleted),
    "primetrade.notify.v1.NotificationCreated": (
        "notification-created",
        _notification(notify_events.NotificationCreated),
    ),
    "primetrade.notify.v1.NotificationUpdated": (
        "notification-updated",
        _notification(notify_events.NotificationUpdated),
    ),
}


def told_by(event: Event) -> Told | None:
    """What the owner is told; None for an event that is not for the stream.

    Raises KeyError, ValueError or DecodeError for data that no contract known here has.
    """
    if (found := _NAMES.get(event.type)) is None:
        return None
    name, read = found
    owner, document = read(event.data)
    happened = event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Told(owner, name, {"sequence": event.sequence, "time": happened, **document})
