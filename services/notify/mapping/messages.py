"""The inbox in the words of its contract: the one place where a notification becomes protobuf."""

from datetime import datetime

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.notify.v1 import events_pb2, notify_pb2

from services.notify.domain.notification import Kind, Notification, NotificationCreated, NotificationEvent

_TYPES = {
    Kind.WELCOME: notify_pb2.NOTIFICATION_TYPE_WELCOME,
    Kind.TASK_COMPLETED: notify_pb2.NOTIFICATION_TYPE_TASK_COMPLETED,
    Kind.TASK_DUE_SOON: notify_pb2.NOTIFICATION_TYPE_TASK_DUE_SOON,
}


def notification_message(notification: Notification, etag: str = "") -> notify_pb2.Notification:
    """The notification; `etag` is the current one unless given."""
    return notify_pb2.Notification(
        id=str(notification.id),
        owner_id=str(notification.owner_id),
        type=_TYPES[notification.kind],
        title=notification.title,
        body=notification.body,
        read=notification.read,
        create_time=_timestamp(notification.created_at),
        read_time=_timestamp(notification.read_at),
        task_id=str(notification.task_id or ""),
        etag=etag or notification.etag,
    )


def event_message(notification: Notification, event: NotificationEvent) -> Message:
    """The event, told while the change is being saved: its etag is the one after the save."""
    state = notification_message(notification, etag=str(notification.version + 1))
    if isinstance(event, NotificationCreated):
        return events_pb2.NotificationCreated(notification=state)
    return events_pb2.NotificationUpdated(notification=state, changed=FieldMask(paths=event.changed))


def _timestamp(at: datetime | None) -> Timestamp | None:
    if at is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
