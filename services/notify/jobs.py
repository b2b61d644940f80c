"""Periodic work. Each job is a command as well: `python -m services.notify remind`, `… deliver`."""

import asyncio

import structlog
from opentelemetry.trace import SpanKind

from chassis.clock import Clock
from chassis.mongo import engine_calls
from chassis.telemetry import metrics, traces
from services.notify.channels.smtp import NAME, SmtpChannel
from services.notify.domain.delivery import Delivery, State
from services.notify.store.deliveries import DeliveryStore
from services.notify.store.notifications import NotificationStore
from services.notify.store.reminders import ReminderStore
from services.notify.usecases.deliver_mail import Attempts, deliver_mail
from services.notify.usecases.remind_of_due_tasks import remind_of_due_tasks

log = structlog.get_logger(__name__)

BATCH = 100
_ENGINE_SECONDS = 10.0
_OUTCOMES = {State.SENT: "sent", State.QUEUED: "deferred", State.FAILED: "failed"}


class Reminding:
    """The reminders that have become due. Safe in several processes at once; a lease saves the work."""

    name = "reminding"

    def __init__(self, reminders: ReminderStore, inbox: NotificationStore, clock: Clock) -> None:
        self._reminders, self._inbox, self._clock = reminders, inbox, clock

    async def run(self) -> None:
        """Remind of every task that has come within a day of its due time."""
        await remind_of_due_tasks(self._reminders, self._inbox, self._clock)


class Delivering:
    """Component: the mails to send, some at once. Every process takes part: each mail is claimed by itself.

    With no channel mails stay queued, and the log says how many. Leaving waits up to `drain` seconds for the mails in
    hand, so that none is sent a second time for having been cut off; what is cut off then is left to its lease.
    """

    name = "delivering"

    def __init__(
        self,
        deliveries: DeliveryStore,
        channel: SmtpChannel | None,
        clock: Clock,
        attempts: Attempts,
        connections: int,
        drain: float,
    ) -> None:
        self._deliveries, self._channel, self._clock = deliveries, channel, clock
        self._attempts, self._drain = attempts, drain
        self._connections = asyncio.Semaphore(connections)
        self._in_hand: set[asyncio.Task[None]] = set()
        self._leaving = False
        self._said = 0

    async def __aenter__(self) -> None:
        if self._channel is None:
            log.warning("mail_not_configured", setting="SMTP_URL")

    async def __aexit__(self, *_: object) -> None:
        self._leaving = True
        if in_hand := set(self._in_hand):
            _done, late = await asyncio.wait(in_hand, timeout=self._drain)
            for task in late:
                task.cancel()
            await asyncio.wait(in_hand)

    def background(self) -> tuple[()]:
        return ()

    async def run(self) -> None:
        """Make an attempt at every mail that is due."""
        with engine_calls(_ENGINE_SECONDS):
            metrics.deliveries_waiting.labels(NAME).set(waiting := await self._deliveries.waiting())
            due = await self._deliveries.due(self._clock.now(), BATCH) if self._channel and waiting else []
        if self._channel is None:
            self._say_waiting(waiting)
            return
        tasks = {asyncio.create_task(self._deliver(self._channel, delivery)) for delivery in due}
        self._in_hand |= tasks
        for task in tasks:
            task.add_done_callback(self._ended)
        if tasks:
            # Cancelling this run cancels none of them.
            await asyncio.wait(tasks)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._in_hand.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease brings it back.
            log.warning("delivery_interrupted", error=repr(error))

    async def _deliver(self, channel: SmtpChannel, delivery: Delivery) -> None:
        async with self._connections:
            if self._leaving:
                return
            with traces.continued(delivery.traceparent, "send mail", SpanKind.CLIENT):
                state = await deliver_mail(self._deliveries, channel, self._clock, self._attempts, delivery)
                if state is not None:
                    outcome = _OUTCOMES[state]
                    metrics.deliveries.labels(NAME, outcome).inc()
                    log.info(
                        f"delivery_{outcome}", delivery=str(delivery.id), attempts=delivery.attempts,
                        error=delivery.error or None,
                    )  # fmt: skip

    def _say_waiting(self, waiting: int) -> None:
        if waiting != self._said:
            log.warning("deliveries_waiting", waiting=waiting, setting="SMTP_URL")
            self._said = waiting
