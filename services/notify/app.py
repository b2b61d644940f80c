"""The composition root: settings → stores → use cases → servers and jobs. Tests build the same one."""

from collections.abc import Callable, Mapping, Sequence

from primetrade.notify.v1 import notify_pb2
from primetrade.notify.v1.notify_pb2_grpc import add_NotificationsServiceServicer_to_server

from chassis.backoff import Backoff
from chassis.clock import Clock, SystemClock
from chassis.events.admin import Topics
from chassis.events.comparing import Comparison, Untold
from chassis.events.consuming.consumer import Consumer
from chassis.events.deadletters import memory
from chassis.events.deadletters.api import dead_letters_service
from chassis.events.publishing.command import republish
from chassis.events.publishing.relay import Relay
from chassis.events.rebuild import Rebuild
from chassis.events.rebuild_command import USAGE, told, untold_of
from chassis.events.topics import NOTIFICATIONS
from chassis.mongo import Indexes, Mongo, engine_calls
from chassis.process import Command, Process, Words
from chassis.rpc.health import EngineChecks, RpcHealth
from chassis.rpc.keys import auth_channel, auth_keys
from chassis.rpc.server import RpcServer, Service
from chassis.schedule import LEASES, Lease, Periodic, holder
from chassis.telemetry.exposition import MetricsServer
from chassis.telemetry.traces import Tracing
from chassis.tokens import TokenVerifier
from services.notify import consumers
from services.notify.api import ACCESS, NotificationsApi
from services.notify.channels.smtp import SmtpChannel
from services.notify.consumers import Reactions
from services.notify.jobs import Delivering, Reminding
from services.notify.settings import Settings
from services.notify.store import deliveries, notifications, reminders
from services.notify.store.deliveries import DeliveryStore
from services.notify.store.notifications import NotificationStore
from services.notify.store.projection import ReminderProjection
from services.notify.store.reminders import ReminderStore
from services.notify.usecases.deliver_mail import Attempts

NAME = "notify"
SERVICE = notify_pb2.DESCRIPTOR.services_by_name["NotificationsService"]
INDEXES = {
    notifications.COLLECTION: notifications.INDEXES,
    reminders.COLLECTION: reminders.INDEXES,
    deliveries.COLLECTION: deliveries.INDEXES,
    **memory.INDEXES,
}


class _Parts:
    """What the process and its commands share."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.clock = clock
        self.mongo = Mongo(settings, NAME, rebuilt=[reminders.COLLECTION])
        self.indexes = Indexes(self.mongo, INDEXES)
        self.topics = Topics(settings, NAME, publishes=[NOTIFICATIONS], consumes=consumers.TOPICS)
        self.relay = Relay(settings, self.mongo.database, self.clock)
        self.inbox = NotificationStore(self.mongo.collection(notifications.COLLECTION), self.relay, self.clock)
        self.reminders = ReminderStore(self.mongo.collection(reminders.COLLECTION))
        self.deliveries = DeliveryStore(self.mongo.collection(deliveries.COLLECTION), settings.keep)
        self.reminding = Reminding(self.reminders, self.inbox, self.clock)
        server = settings.smtp_server
        self.delivering = Delivering(
            self.deliveries,
            SmtpChannel(server, settings.mail_from, settings.mail_timeout) if server else None,
            self.clock,
            Attempts(
                settings.mail_max_attempts,
                settings.mail_lease,
                Backoff(settings.mail_first_pause, settings.mail_longest_pause),
            ),
            settings.mail_connections,
            settings.drain_timeout,
        )


def build(settings: Settings, clock: Clock | None = None) -> Process:
    """The notify service. The order of the components is the order of its start, and in reverse of its end."""
    clock = clock or SystemClock()
    parts = _Parts(settings, clock)
    mongo = parts.mongo
    auth = auth_channel(settings.auth_target)
    keys = auth_keys(auth, settings.startup_timeout)
    verifier = TokenVerifier(keys, settings.token_issuer, settings.token_audience, clock)
    api = Service(SERVICE, add_NotificationsServiceServicer_to_server, NotificationsApi(parts.inbox, clock), ACCESS)
    reactions = Reactions(parts.inbox, parts.reminders, parts.deliveries, clock, settings.mail_domain, settings.keep)
    handlers = reactions.handlers()
    letters = dead_letters_service(settings, NAME, consumers.TOPICS, handlers, mongo, clock)
    health = RpcHealth([SERVICE.full_name, letters.descriptor.full_name])
    one_process = Lease(mongo.collection(LEASES), parts.reminding.name, holder(), clock)
    return Process(
        NAME,
        [
            Tracing(settings, NAME),
            MetricsServer(settings, NAME),
            mongo,
            parts.indexes,
            parts.topics,
            auth,
            keys,
            parts.relay,
            RpcServer(settings, [api, letters], verifier, health, engine_calls),
            Consumer(settings, NAME, consumers.TOPICS, handlers),
            EngineChecks(health, {"mongo": mongo.ping}),
            Periodic(parts.reminding.name, settings.reminders_every, parts.reminding.run, one_process),
            parts.delivering,
            Periodic(parts.delivering.name, settings.mail_every, parts.delivering.run),
        ],
        health,
    )


async def remind(settings: Settings) -> None:
    """One look for tasks due within a day."""
    parts = _Parts(settings, SystemClock())
    async with Process(NAME, [parts.mongo, parts.indexes, parts.topics, parts.relay]).running():
        await parts.reminding.run()


async def deliver(settings: Settings) -> None:
    """One attempt at every mail that is due."""
    parts = _Parts(settings, SystemClock())
    async with Process(NAME, [parts.mongo, parts.indexes, parts.delivering]).running():
        await parts.delivering.run()


async def rebuilt(settings: Settings, untold: Untold, say: Callable[[str], None]) -> Comparison:
    """Make the reminders anew from the topic of tasks."""
    parts = _Parts(settings, SystemClock())
    async with Process(NAME, [parts.mongo, parts.indexes, parts.topics]).running():
        projection = ReminderProjection(parts.clock, settings.keep)
        return await Rebuild(settings, parts.mongo, projection, parts.clock, say, untold).run()


async def rebuild(settings: Settings, words: Sequence[str]) -> None:
    """The same as a command."""
    untold = untold_of(words)

    async def work(say: Callable[[str], None]) -> Sequence[str]:
        return (await rebuilt(settings, untold, say)).lines()

    await told(NAME, settings, work)


COMMANDS: Mapping[str, Command[Settings]] = {
    "remind": remind,
    "deliver": deliver,
    "rebuild": Words(rebuild, USAGE),
    "republish": republish(NAME, [NOTIFICATIONS]),
}
