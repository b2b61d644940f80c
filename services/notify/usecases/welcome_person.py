"""A person has registered."""

from uuid import UUID

from chassis.clock import Clock
from services.notify.domain.delivery import Delivery
from services.notify.domain.notification import Notification
from services.notify.store.deliveries import DeliveryStore
from services.notify.store.notifications import NotificationStore


async def welcome_person(
    inbox: NotificationStore,
    deliveries: DeliveryStore,
    clock: Clock,
    event_id: UUID,
    person_id: UUID,
    name: str,
    address: str,
    sender_domain: str,
    traceparent: str,
) -> None:
    """Welcome a person in the inbox and by mail, once for each event."""
    now = clock.now()
    await inbox.add(Notification.welcome(event_id, person_id, name, now))
    await deliveries.add(Delivery.welcome(event_id, person_id, name, address, sender_domain, traceparent, now))
