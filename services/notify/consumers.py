"""The events this service reacts to. Each may come again, late, or after the task was deleted, and then changes nothing
more: what it makes has an id that follows from the event, and a projection takes newer events only.

What is told in the inbox does not depend on the projection: a rebuilt one may be ahead of this consumer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from google.protobuf.message import Message
from primetrade.auth.v1 import events_pb2 as auth_events
from primetrade.tasks.v1 import events_pb2 as task_events

from chassis.clock import Clock
from chassis.events.consuming.consumer import Handler, Superseded
from chassis.events.envelope import Event
from chassis.events.topics import AUTH, TASKS
from chassis.telemetry.traces import current_traceparent
from services.notify.mapping.events import id_of, reminder_of
from services.notify.store.deliveries import DeliveryStore
from services.notify.store.notifications import NotificationStore
from services.notify.store.reminders import ReminderStore
from services.notify.usecases.announce_completion import announce_completion
from services.notify.usecases.follow_task import follow_task
from services.notify.usecases.forget_task import forget_task
from services.notify.usecases.welcome_person import welcome_person

TOPICS = (AUTH, TASKS)


@dataclass(frozen=True, slots=True)
class Reactions:
    """One handler for each event. `keep` is how long a deleted task is remembered."""

    inbox: NotificationStore
    reminders: ReminderStore
    deliveries: DeliveryStore
    clock: Clock
    mail_domain: str
    keep: timedelta

    def handlers(self) -> Mapping[type[Message], Handler]:
        """What handles which event."""
        return {
            auth_events.AccountRegistered: self.account_registered,
            task_events.TaskCreated: self.task_changed,
            task_events.TaskUpdated: self.task_changed,
            task_events.TaskCompleted: self.task_completed,
            task_events.TaskDeleted: self.task_deleted,
        }

    async def account_registered(self, event: Event, message: auth_events.AccountRegistered) -> None:
        account = message.account
        await welcome_person(
            self.inbox, self.deliveries, self.clock, event.id, id_of(account.id), account.name, account.email,
            self.mail_domain, current_traceparent(),
        )  # fmt: skip

    async def task_changed(self, event: Event, message: task_events.TaskCreated | task_events.TaskUpdated) -> None:
        await follow_task(self.reminders, self.inbox, self.clock, reminder_of(event, message.task))

    async def task_completed(self, event: Event, message: task_events.TaskCompleted) -> None:
        task = reminder_of(event, message.task)
        added = await announce_completion(self.inbox, self.clock, event.id, task.owner_id, task.task_id, task.title)
        try:
            await follow_task(self.reminders, self.inbox, self.clock, task)
        except Superseded:
            if not added:
                raise

    async def task_deleted(self, event: Event, message: task_events.TaskDeleted) -> None:
        await forget_task(self.reminders, self.clock, id_of(message.task_id), event.sequence, self.keep)
