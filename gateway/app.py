"""The composition root of the gateway."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from primetrade.auth.v1.events_pb2 import SessionRevoked
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from chassis.clock import Clock, SystemClock
from chassis.events.consuming.broadcast import Broadcast
from chassis.events.consuming.recent import Recent
from chassis.events.topics import AUTH, NOTIFICATIONS, TASKS
from chassis.process import Process
from chassis.rpc.keys import auth_keys
from chassis.telemetry import metrics
from chassis.telemetry.traces import Tracing
from chassis.tokens import RemoteKeys, TokenVerifier
from gateway.deny_list import DenyList
from gateway.limiting.limiter import Limiter
from gateway.limiting.process_counters import ProcessCounters
from gateway.limiting.shared_counters import SharedCounters
from gateway.middleware.access_log import AccessLog
from gateway.middleware.body_limit import BodyLimit
from gateway.middleware.compress import Compress
from gateway.middleware.cors import Cors
from gateway.middleware.deadline import Deadline
from gateway.middleware.deprecated import Deprecated, leaving
from gateway.middleware.errors import Errors
from gateway.middleware.head import Head
from gateway.middleware.in_flight import InFlight
from gateway.middleware.measure import Measure
from gateway.middleware.plain_path import PlainPath
from gateway.middleware.rate_limit import RateLimit
from gateway.middleware.refusal import Refusal
from gateway.middleware.security_headers import SecurityHeaders
from gateway.middleware.server_timing import ServerTiming
from gateway.middleware.trace import Trace
from gateway.neighbours import Channels, Neighbours
from gateway.notice import Notice
from gateway.openapi.document import TITLE, VERSION
from gateway.readiness import NeighbourWatch, Readiness, WhenReady
from gateway.refusals import refuse_bug, refuse_route
from gateway.revocations import Revocations
from gateway.routes import auth, docs, events, notifications, operations, tasks, users
from gateway.server import HttpServer
from gateway.settings import Settings
from gateway.streaming.streams import Streams
from gateway.workers.exposition import of_the_process
from gateway.workers.place import Link, Place, Turn

ROUTES = [
    route
    for resource in (tasks, users, notifications, events, auth, operations, docs)
    for route in resource.router.routes
]


def build(settings: Settings, clock: Clock | None = None, place: Place | None = None) -> Process:
    """The gateway of these settings, or one worker of it. It starts without its neighbours, and serves what it can
    while they are away."""
    clock, channels = clock or SystemClock(), Channels.of(settings)
    keys = auth_keys(channels.own, patience=None)
    verifier = TokenVerifier(keys, settings.token_issuer, settings.token_audience, clock)
    deny_list = DenyList(clock, settings.deny_list_size, settings.deny_list_patience)
    revocations = Revocations(channels.own, deny_list, clock)
    hearing = Broadcast(settings, AUTH, {SessionRevoked: revocations.revoked}, patience=None, follower=revocations)
    streams = Streams(settings, deny_list, clock)
    reading = Recent(settings, [TASKS, NOTIFICATIONS], settings.event_stream_seconds, streams)
    watch = NeighbourWatch(channels.by_name())
    readiness = Readiness(keys, deny_list, watch)
    url = settings.redis_url.get_secret_value()
    shared = SharedCounters(url, settings.redis_timeout) if url and not settings.gateway_rate_limit_disabled else None
    limiter = Limiter(ProcessCounters(clock), shared, clock)
    told = place.exposition if place else of_the_process
    app = application(settings, Neighbours(channels), keys, verifier, deny_list, readiness, limiter, streams, told)
    server = HttpServer(settings, app, place.listener if place else None)
    notice = Notice(settings.drain_notice, server)
    link = Link(place, server, notice) if place else None
    metrics.build.info({"service": "gateway", "version": VERSION})
    return Process(
        "gateway",
        [
            *([link] if link else []),
            Tracing(settings, "gateway"),
            *channels.by_name().values(),
            channels.own,
            keys,
            revocations,
            hearing,
            reading,
            watch,
            *([shared] if shared else []),
            WhenReady(readiness, settings.start_patience),
            *([Turn(link, readiness)] if link else []),
            server,
            streams,
            notice,
        ],
        readiness,
    )


def application(
    settings: Settings,
    neighbours: Neighbours,
    keys: RemoteKeys,
    verifier: TokenVerifier,
    deny_list: DenyList,
    readiness: Readiness,
    limiter: Limiter,
    streams: Streams,
    exposition: Callable[[], Awaitable[bytes]],
) -> FastAPI:
    """The ASGI application: the routes behind the concerns, outermost first."""
    # What counts has to see every answer, also those to errors: it stands around a table of its own.
    counting = [Middleware(RateLimit, limiter=limiter, settings=settings), Middleware(Errors)]
    deprecated = leaving(ROUTES)
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        openapi_url=None,
        redirect_slashes=False,
        # Each request would ask three providers whether they are there. Traces and metrics are our own (ADR 0007).
        telemetry={"tracing": False, "metrics": False, "logs": False},
        routes=ROUTES,
        middleware=[
            Middleware(Trace),
            Middleware(AccessLog),
            Middleware(Measure),
            Middleware(SecurityHeaders),
            *([Middleware(Cors, origins=settings.cors_origins)] if settings.cors_origins else ()),
            *([Middleware(Deprecated, routes=deprecated)] if deprecated else ()),
            Middleware(ServerTiming),
            Middleware(Deadline, seconds=settings.request_timeout),
            Middleware(Errors),
            Middleware(InFlight, limit=settings.max_in_flight),
            *([] if settings.gateway_rate_limit_disabled else counting),
            Middleware(Refusal),
            Middleware(PlainPath),
            Middleware(BodyLimit, limit=settings.max_body_bytes),
            Middleware(Compress),
            Middleware(Head),
        ],
        exception_handlers={HTTPException: refuse_route, Exception: refuse_bug},
    )
    app.state.neighbours, app.state.verifier = neighbours, verifier
    app.state.keys, app.state.deny_list, app.state.readiness = keys, deny_list, readiness
    app.state.streams, app.state.exposition = streams, exposition
    app.state.require_preconditions = settings.require_preconditions
    return app
