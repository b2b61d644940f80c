"""Make one attempt at a delivery."""

from dataclasses import dataclass
from datetime import timedelta

from chassis.backoff import Backoff
from chassis.clock import Clock
from chassis.errors import VersionMismatch
from services.notify.channels.outcome import Deferred, Refused
from services.notify.channels.smtp import SmtpChannel
from services.notify.domain.delivery import Delivery, State
from services.notify.store.deliveries import DeliveryStore


@dataclass(frozen=True, slots=True)
class Attempts:
    """How many attempts a delivery gets, how long one may hold it, and the pauses between them."""

    most: int
    lease: timedelta
    backoff: Backoff


async def deliver_mail(
    deliveries: DeliveryStore, channel: SmtpChannel, clock: Clock, attempts: Attempts, delivery: Delivery
) -> State | None:
    """Take up a delivery that is due, hand it to the server, and record how it went.

    Returns where it stands then; None when somebody else has it. The attempt is durable before it is made.
    """
    delivery.begin(clock.now(), attempts.lease, attempts.most)
    if not await _saved(deliveries, delivery):
        return None
    if delivery.under_way:
        await _attempt(channel, clock, attempts, delivery)
        if not await _saved(deliveries, delivery) and delivery.state is State.SENT:
            # Our lease ran out and somebody took over: what is known to be sent is not sent again.
            await _record_sent(deliveries, clock, delivery)
    return delivery.state


async def _attempt(channel: SmtpChannel, clock: Clock, attempts: Attempts, delivery: Delivery) -> None:
    try:
        await channel.send(delivery)
    except Deferred as error:
        delivery.defer(clock.now(), str(error), attempts.backoff.delay(delivery.attempts), attempts.most)
    except Refused as error:
        delivery.fail(clock.now(), str(error))
    else:
        delivery.sent(clock.now())


async def _record_sent(deliveries: DeliveryStore, clock: Clock, delivery: Delivery) -> None:
    latest = await deliveries.load(delivery.id)
    latest.sent(clock.now())
    await _saved(deliveries, latest)


async def _saved(deliveries: DeliveryStore, delivery: Delivery) -> bool:
    try:
        await deliveries.save(delivery)
    except VersionMismatch:
        return False
    return True
