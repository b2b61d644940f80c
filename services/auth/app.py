"""The composition root of the auth service. Tests build the same."""

from datetime import timedelta

from chassis.clock import Clock, SystemClock
from chassis.events.admin import Topics
from chassis.events.consuming.consumer import Consumer
from chassis.events.deadletters import memory
from chassis.events.deadletters.api import dead_letters_service
from chassis.events.publishing.relay import Relay
from chassis.events.topics import AUTH
from chassis.mongo import Indexes, Mongo, engine_calls
from chassis.process import Process
from chassis.rpc.client import ServiceChannel
from chassis.rpc.health import EngineChecks, RpcHealth
from chassis.rpc.server import RpcServer
from chassis.telemetry.exposition import MetricsServer
from chassis.telemetry.traces import Tracing
from chassis.tokens import TokenVerifier
from services.auth import consumers, jobs, profiles
from services.auth.api import DESCRIPTOR, AuthServicer, auth_service
from services.auth.crypto.access_tokens import AccessTokens, ServiceToken
from services.auth.crypto.key_ring import KeyRing
from services.auth.crypto.passwords import Passwords
from services.auth.domain.lockout import Lockout
from services.auth.profiles import Profiles
from services.auth.settings import Settings, key_bytes
from services.auth.store import INDEXES, accounts, failed_logins, sessions
from services.auth.store.accounts import AccountStore
from services.auth.store.failed_logins import FailedLoginStore
from services.auth.store.sessions import SessionStore
from services.auth.usecases.list_revoked_sessions import ListRevokedSessions
from services.auth.usecases.log_in import LogIn
from services.auth.usecases.log_out import LogOut
from services.auth.usecases.refresh_session import RefreshSession
from services.auth.usecases.register_account import RegisterAccount
from services.auth.usecases.start_session import StartSession

SOURCE = "/primetrade/auth"


def build(settings: Settings, clock: Clock | None = None) -> Process:
    """The whole service, not yet started."""
    clock = clock or SystemClock()
    mongo = Mongo(settings, "auth")
    relay = Relay(settings, mongo.database, clock)
    account_store = AccountStore(mongo.collection(accounts.COLLECTION), SOURCE, relay, clock)
    session_store = SessionStore(mongo.collection(sessions.COLLECTION), SOURCE, relay, clock)
    lockout = Lockout(settings.lockout_failures, timedelta(seconds=settings.lockout_seconds))
    failures = FailedLoginStore(mongo.collection(failed_logins.COLLECTION), lockout, clock)

    rotate = jobs.rotation(settings, mongo, clock)
    keys = KeyRing(rotate.keys, rotate.seal, rotate.schedule, clock)
    issuer, audience = settings.token_issuer, settings.token_audience
    access_tokens = AccessTokens(keys, issuer, audience, settings.access_token_lifetime)
    service_token = ServiceToken(
        AccessTokens(keys, issuer, audience, timedelta(seconds=settings.service_token_seconds)), clock
    )
    passwords = Passwords(
        settings.argon2_memory_kib,
        settings.argon2_passes,
        settings.argon2_lanes,
        settings.password_hash_concurrency,
        settings.password_hash_queue,
    )
    users = ServiceChannel(settings.users_target, profiles.SERVICE, settings.users_timeout)

    refresh_key = key_bytes(settings.auth_refresh_key)
    start_session = StartSession(session_store, access_tokens, timedelta(days=settings.session_days), clock)
    grace = timedelta(seconds=settings.refresh_grace_seconds)
    servicer = AuthServicer(
        RegisterAccount(account_store, passwords, start_session, Profiles(users, service_token), clock),
        LogIn(account_store, failures, passwords, start_session, clock),
        RefreshSession(session_store, account_store, access_tokens, refresh_key, grace, clock),
        LogOut(session_store, refresh_key, clock),
        ListRevokedSessions(session_store, settings.access_token_lifetime, clock),
        keys,
    )
    handlers = consumers.handlers(account_store)
    letters = dead_letters_service(settings, "auth", consumers.TOPICS, handlers, mongo, clock)
    health = RpcHealth([DESCRIPTOR.full_name, letters.descriptor.full_name])
    verifier = TokenVerifier(keys, issuer, audience, clock)
    return Process(
        "auth",
        [
            Tracing(settings, "auth"),
            MetricsServer(settings, "auth"),
            mongo,
            Indexes(mongo, {**INDEXES, **memory.INDEXES}),
            Topics(settings, "auth", [AUTH], consumers.TOPICS),
            passwords,
            keys,
            users,
            relay,
            RpcServer(settings, [auth_service(servicer), letters], verifier, health, engine_calls),
            Consumer(settings, "auth", consumers.TOPICS, handlers, clock=clock),
            EngineChecks(health, {"mongo": mongo.ping}),
            *jobs.periodic(rotate, keys, mongo, clock),
        ],
        health,
    )
