"""The composition root: settings → store → use cases → server. Tests build the same one."""

from primetrade.tasks.v1 import tasks_pb2
from primetrade.tasks.v1.tasks_pb2_grpc import add_TasksServiceServicer_to_server

from chassis import claims
from chassis.claims import Claims
from chassis.clock import SystemClock, ordered_id
from chassis.events.admin import Topics
from chassis.events.consuming.consumer import Consumer
from chassis.events.publishing.relay import Relay
from chassis.events.topics import TASKS
from chassis.mongo import Indexes, Mongo, engine_calls
from chassis.process import Component, Process
from chassis.rpc.health import EngineChecks, RpcHealth
from chassis.rpc.keys import auth_channel, auth_keys
from chassis.rpc.server import RpcServer, Service
from chassis.telemetry.exposition import MetricsServer
from chassis.telemetry.traces import Tracing
from chassis.tokens import TokenVerifier
from services.tasks import consumers
from services.tasks.api import ACCESS, TasksApi
from services.tasks.settings import Settings
from services.tasks.store.queries import INDEXES
from services.tasks.store.tasks import COLLECTION, TaskStore

NAME = "tasks"
TASKS_SERVICE = tasks_pb2.DESCRIPTOR.services_by_name["TasksService"]


def build(settings: Settings) -> Process:
    """The tasks service. The order of the components is the order of its start, and in reverse of its end."""
    clock = SystemClock()
    mongo = Mongo(settings, NAME)
    relay = Relay(settings, mongo.database, clock)
    store = TaskStore(mongo.collection(COLLECTION), relay, clock)
    auth = auth_channel(settings.auth_target)
    keys = auth_keys(auth, settings.startup_timeout)
    verifier = TokenVerifier(keys, settings.token_issuer, settings.token_audience, clock)
    health = RpcHealth([TASKS_SERVICE.full_name])
    servicer = TasksApi(store, clock, Claims(mongo.collection(claims.COLLECTION), clock, ordered_id))
    api = Service(TASKS_SERVICE, add_TasksServiceServicer_to_server, servicer, ACCESS)
    components: list[Component] = [
        Tracing(settings, NAME),
        MetricsServer(settings, NAME),
        mongo,
        Indexes(mongo, {COLLECTION: INDEXES, claims.COLLECTION: claims.INDEXES}),
        Topics(settings, NAME, publishes=[TASKS], consumes=consumers.TOPICS),
        auth,
        keys,
        relay,
        RpcServer(settings, [api], verifier, health, engine_calls),
        EngineChecks(health, {"mongo": mongo.ping}),
    ]
    if consumers.HANDLERS:
        components.append(Consumer(settings, NAME, consumers.TOPICS, consumers.HANDLERS))
    return Process(NAME, components, health)
