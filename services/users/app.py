"""The composition root of the users service: settings → store → use cases → server. Tests build the same one."""

from primetrade.users.v1 import users_pb2
from primetrade.users.v1.users_pb2_grpc import add_UsersServiceServicer_to_server

from chassis.clock import Clock, SystemClock
from chassis.events.admin import Topics
from chassis.events.consuming.broadcast import Broadcast
from chassis.events.consuming.consumer import Consumer
from chassis.events.publishing.relay import Relay
from chassis.events.topics import USERS
from chassis.mongo import Indexes, Mongo, engine_calls
from chassis.process import Process
from chassis.rpc.health import EngineChecks, RpcHealth
from chassis.rpc.keys import auth_channel, auth_keys
from chassis.rpc.server import RpcServer, Service
from chassis.telemetry.exposition import MetricsServer
from chassis.telemetry.traces import Tracing
from chassis.tokens import TokenVerifier
from services.users import consumers
from services.users.api import ACCESS, UsersApi
from services.users.settings import Settings
from services.users.store.cache import ProfileCache
from services.users.store.profiles import COLLECTION, INDEXES, ProfileStore

NAME = "users"
USERS_SERVICE = users_pb2.DESCRIPTOR.services_by_name["UsersService"]


def build(settings: Settings, clock: Clock | None = None) -> Process:
    """The users service. The order of the components is the order of its start, and in reverse of its end."""
    clock = clock or SystemClock()
    mongo = Mongo(settings, NAME)
    relay = Relay(settings, mongo.database, clock)
    cache = ProfileCache(
        settings.redis_url.get_secret_value(), settings.profile_cache_seconds, settings.profile_cache_size
    )
    store = ProfileStore(mongo.collection(COLLECTION), cache, relay, clock)
    auth = auth_channel(settings.auth_target)
    keys = auth_keys(auth, settings.startup_timeout)
    verifier = TokenVerifier(keys, settings.token_issuer, settings.token_audience, clock)
    health = RpcHealth([USERS_SERVICE.full_name])
    api = Service(USERS_SERVICE, add_UsersServiceServicer_to_server, UsersApi(store, clock), ACCESS)
    return Process(
        NAME,
        [
            Tracing(settings, NAME),
            MetricsServer(settings, NAME),
            mongo,
            Indexes(mongo, {COLLECTION: INDEXES}),
            Topics(settings, NAME, publishes=[USERS], consumes=consumers.TOPICS),
            auth,
            keys,
            cache,
            Broadcast(settings, USERS, consumers.cached(cache)),
            relay,
            RpcServer(settings, [api], verifier, health, engine_calls),
            Consumer(settings, NAME, consumers.TOPICS, consumers.handlers(store, clock), clock=clock),
            EngineChecks(health, {"mongo": mongo.ping}),
        ],
        health,
    )
