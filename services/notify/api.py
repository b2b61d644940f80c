"""The gRPC servicer of primetrade.notify.v1.NotificationsService: translates, and does nothing else."""
# ruff: noqa: N802, ARG002 - gRPC names its methods and gives each a context

from collections.abc import Sequence
from uuid import UUID

from primetrade.notify.v1 import notify_pb2, notify_pb2_grpc

from chassis.checks import Checks
from chassis.clock import Clock
from chassis.errors import Forbidden, Invalid, NotFound, Violation
from chassis.identity import current_principal
from chassis.rpc.concerns import Access, Context
from services.notify.domain.inbox import Cursor, page_size
from services.notify.mapping.messages import notification_message
from services.notify.store.notifications import RESOURCE, NotificationStore
from services.notify.usecases.list_notifications import list_notifications
from services.notify.usecases.mark_notification import mark_notification

_UUID_CHARACTERS = 36

ACCESS = {"ListNotifications": Access.USER, "UpdateNotification": Access.USER}


class NotificationsApi(notify_pb2_grpc.NotificationsServiceServicer):
    """The caller's own inbox: it takes that person's notifications to be all there are."""

    def __init__(self, inbox: NotificationStore, clock: Clock) -> None:
        self._inbox, self._clock = inbox, clock

    async def ListNotifications(
        self, request: notify_pb2.ListNotificationsRequest, context: Context
    ) -> notify_pb2.ListNotificationsResponse:
        size, after = _page(request)
        page = await list_notifications(self._inbox, _caller(), size, after)
        return notify_pb2.ListNotificationsResponse(
            notifications=[notification_message(notification) for notification in page.notifications],
            next_page_token=page.next.token if page.next else "",
            unread_size=page.unread,
        )

    async def UpdateNotification(
        self, request: notify_pb2.UpdateNotificationRequest, context: Context
    ) -> notify_pb2.Notification:
        _require_read_alone(request)
        sent = request.notification
        notification = await mark_notification(
            self._inbox, self._clock, _caller(), _notification_id(sent.id), sent.read, sent.etag
        )
        return notification_message(notification)


def _caller() -> UUID:
    """The person who calls. Raises Forbidden for a caller that is none."""
    try:
        return UUID(current_principal().subject)
    except ValueError:
        raise Forbidden("only a person has an inbox") from None


def _page(request: notify_pb2.ListNotificationsRequest) -> tuple[int, Cursor | None]:
    violations: list[Violation] = []
    size, after = 0, None
    try:
        size = page_size(request.page_size)
    except Invalid as error:
        violations += error.violations
    try:
        after = Cursor.parse(request.page_token) if request.page_token else None
    except Invalid as error:
        violations += error.violations
    if violations:
        raise Invalid(violations)
    return size, after


def _require_read_alone(request: notify_pb2.UpdateNotificationRequest) -> None:
    with Checks() as check:
        check("notification.id", _given, request.notification.id)
        check("update_mask", _read_alone, request.update_mask.paths)


def _given(text: str) -> None:
    if not text:
        raise ValueError("is required")


def _read_alone(paths: Sequence[str]) -> None:
    if set(paths) != {"read"}:
        raise ValueError("must name 'read', and nothing else")


def _notification_id(text: str) -> UUID:
    """The id of a notification. Raises NotFound: none is named by anything but a UUID in its usual form."""
    try:
        value = UUID(text)
    except ValueError:
        value = None
    if value is None or str(value) != text.lower():
        # Cut: errors travel in headers, which have little room.
        raise NotFound(RESOURCE, text[:_UUID_CHARACTERS])
    return value
