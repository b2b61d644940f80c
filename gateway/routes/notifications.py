"""The inbox of the caller."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from google.protobuf.field_mask_pb2 import FieldMask
from primetrade.notify.v1 import notify_pb2
from starlette.requests import Request
from starlette.responses import Response

from gateway.answers import answer, expected_etag, resource
from gateway.documentation import IF_MATCH, answers
from gateway.neighbours import neighbours
from gateway.reading.route import Protected
from gateway.schemas.notifications import Inbox, Notification, NotificationPatch, NotificationQuery
from gateway.translate.notifications import inbox_json, notification_json

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"], route_class=Protected)


@router.get("", responses=answers({200: Inbox}))
async def list_notifications(request: Request, query: Annotated[NotificationQuery, Query()]) -> Response:
    """A page of the inbox, latest first."""
    asked = notify_pb2.ListNotificationsRequest(page_size=query.limit, page_token=query.page_token)
    return answer(inbox_json(await neighbours(request).notifications.ListNotifications(asked)))


@router.patch(
    "/{notification_id}",
    responses=answers({200: Notification}, 404, 412, body=True, headers=("ETag",)),
    openapi_extra={"parameters": [IF_MATCH]},
)
async def update_notification(request: Request, notification_id: UUID, body: NotificationPatch) -> Response:
    """Mark an entry as read or unread."""
    etag = expected_etag(request, "notification", str(notification_id))
    notification = await neighbours(request).notifications.UpdateNotification(
        notify_pb2.UpdateNotificationRequest(
            notification=notify_pb2.Notification(id=str(notification_id), read=body.read, etag=etag),
            update_mask=FieldMask(paths=["read"]),
        )
    )
    return resource(request, notification_json(notification), notification.etag)
