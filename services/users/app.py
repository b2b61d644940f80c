"""The composition root of the users service: settings → store → use cases → server. Tests build the same one."""

from collections.abc import Callable, Mapping, Sequence

from primetrade.users.v1 import users_pb2
from primetrade.users.v1.users_pb2_grpc import add_UsersServiceServicer_to_server

from chassis.clock import Clock, SystemClock
from chassis.events.admin import Topics
from chassis.events.comparing import Comparison, Untold
from chassis.events.consuming.broadcast import Broadcast
from chassis.events.consuming.consumer import Consumer
from chassis.events.deadletters import memory
from chassis.events.deadletters.api import dead_letters_service
from chassis.events.publishing.command import republish
from chassis.events.publishing.relay import Relay
from chassis.events.rebuild import Rebuild
from chassis.events.rebuild_command import USAGE, told, untold_of
from chassis.events.topics import USERS
from chassis.mongo import Indexes, Mongo, engine_calls
from chassis.process import Command, Process, Words
from chassis.rpc.health import EngineChecks, RpcHealth
from chassis.rpc.keys import auth_channel, auth_keys
from chassis.rpc.server import RpcServer, Service
from chassis.telemetry.exposition import MetricsServer
from chassis.telemetry.traces import Tracing
from chassis.tokens import TokenVerifier
from services.users import consumers
from services.users.api import ACCESS, UsersApi
from services.users.jobs import missing_profiles
from services.users.settings import Settings
from services.users.store.cache import ProfileCache
from services.users.store.profiles import COLLECTION, INDEXES, ProfileStore
from services.users.store.projection import ProfileProjection

NAME = "users"
USERS_SERVICE = users_pb2.DESCRIPTOR.services_by_name["UsersService"]


class _Parts:
    """What the process and its command share."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.mongo = Mongo(settings, NAME, rebuilt=[COLLECTION])
        self.indexes = Indexes(self.mongo, {COLLECTION: INDEXES, **memory.INDEXES})
        self.topics = Topics(settings, NAME, publishes=[USERS], consumes=consumers.TOPICS)
        self.relay = Relay(settings, self.mongo.database, clock)
        self.cache = ProfileCache(
            settings.redis_url.get_secret_value(), settings.profile_cache_seconds, settings.profile_cache_size
        )
        self.mongo.generations(COLLECTION).on_switch(self.cache.clear)
        self.store = ProfileStore(self.mongo.collection(COLLECTION), self.cache, self.relay, clock)


def build(settings: Settings, clock: Clock | None = None) -> Process:
    """The users service. The order of the components is the order of its start, and in reverse of its end."""
    clock = clock or SystemClock()
    parts = _Parts(settings, clock)
    mongo, cache, store = parts.mongo, parts.cache, parts.store
    auth = auth_channel(settings.auth_target)
    keys = auth_keys(auth, settings.startup_timeout)
    verifier = TokenVerifier(keys, settings.token_issuer, settings.token_audience, clock)
    api = Service(USERS_SERVICE, add_UsersServiceServicer_to_server, UsersApi(store, clock), ACCESS)
    handlers = consumers.handlers(store, clock)
    letters = dead_letters_service(settings, NAME, consumers.TOPICS, handlers, mongo, clock)
    health = RpcHealth([USERS_SERVICE.full_name, letters.descriptor.full_name])
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
            cache,
            Broadcast(settings, USERS, consumers.cached(cache), settings.startup_timeout),
            parts.relay,
            RpcServer(settings, [api, letters], verifier, health, engine_calls),
            Consumer(settings, NAME, consumers.TOPICS, handlers, clock=clock),
            EngineChecks(health, {"mongo": mongo.ping}),
        ],
        health,
    )


async def rebuilt(settings: Settings, untold: Untold, say: Callable[[str], None]) -> tuple[Comparison, int]:
    """Make the profiles anew from the service's own topic, then those that accounts lack: how many of these."""
    clock = SystemClock()
    parts = _Parts(settings, clock)
    async with Process(NAME, [parts.mongo, parts.indexes, parts.topics, parts.cache, parts.relay]).running():
        result = await Rebuild(settings, parts.mongo, ProfileProjection(), clock, say, untold).run()
        # Where events may be forgotten, a profile without any may have had some: a new one would number them anew.
        return result, await missing_profiles(settings, parts.store, clock) if result.complete else 0


async def rebuild(settings: Settings, words: Sequence[str]) -> None:
    """The same as a command."""
    untold = untold_of(words)

    async def work(say: Callable[[str], None]) -> Sequence[str]:
        result, made = await rebuilt(settings, untold, say)
        return [*result.lines(), f"profiles made for accounts without one: {made}"]

    await told(NAME, settings, work)


COMMANDS: Mapping[str, Command[Settings]] = {
    "rebuild": Words(rebuild, USAGE),
    "republish": republish(NAME, [USERS]),
}
