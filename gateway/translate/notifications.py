"""The inbox."""

from primetrade.notify.v1 import notify_pb2

from gateway.answers import Json
from gateway.translate.times import rfc3339

_TYPES = {
    notify_pb2.NOTIFICATION_TYPE_WELCOME: "welcome",
    notify_pb2.NOTIFICATION_TYPE_TASK_COMPLETED: "task-completed",
    notify_pb2.NOTIFICATION_TYPE_TASK_DUE_SOON: "task-due-soon",
}


def notification_json(notification: notify_pb2.Notification) -> Json:
    """An entry of the inbox."""
    return {
        "id": notification.id,
        "type": _TYPES[notification.type],
        "title": notification.title,
        "body": notification.body,
        "read": notification.read,
        "createdAt": rfc3339(notification.create_time),
        "readAt": rfc3339(notification.read_time) if notification.HasField("read_time") else None,
        "taskId": notification.task_id or None,
    }


def inbox_json(response: notify_pb2.ListNotificationsResponse) -> Json:
    """A page of the inbox."""
    return {
        "notifications": [notification_json(notification) for notification in response.notifications],
        "unread": response.unread_size,
        "nextPageToken": response.next_page_token or None,
    }
