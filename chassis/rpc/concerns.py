"""The concerns that wrap every served call, each a small function from a handler to a handler.

They are put around a method once, when the server is built, so that a call pays for their work and for nothing else.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from enum import Enum
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError

from chassis.deadline import within
from chassis.errors import Error, Unauthenticated, Unavailable, Unreadable
from chassis.identity import OPERATOR_ROLE, SERVICE_ROLE, set_principal
from chassis.rpc.status import DETAILS_KEY, code_of, details_of, message_of
from chassis.telemetry import metrics, traces
from chassis.telemetry.observing import Observing
from chassis.tokens import TokenVerifier

log = structlog.get_logger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Handler = Callable[[Any, Context], Awaitable[Any]]
MAX_SECONDS = 30.0
"""How long a call may take when its client gave no deadline."""


class Access(Enum):
    """Who may call a method."""

    PUBLIC = "public"
    """Anybody: the method checks a credential itself, or gives away nothing."""
    USER = "user"
    """Anybody with a valid access token."""
    SERVICE = "service"
    """Another service: an access token with the role `service`."""
    OPERATOR = "operator"
    """Whoever runs the suite: an access token with the role `operator`."""


_ROLES = {Access.SERVICE: SERVICE_ROLE, Access.OPERATOR: OPERATOR_ROLE}


def with_identity(handler: Handler, access: Access, verifier: TokenVerifier) -> Handler:
    """Verify the bearer token and let the call act as its principal."""

    async def public(request: Any, context: Context) -> Any:
        set_principal(None)
        return await handler(request, context)

    async def identified(request: Any, context: Context) -> Any:
        scheme, _, token = _metadata(context, "authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("this needs a bearer token")
        principal = await verifier.verify(token)
        if (role := _ROLES.get(access)) is not None:
            principal.require_role(role)
        set_principal(principal)
        return await handler(request, context)

    return public if access is Access.PUBLIC else identified


def with_message(handler: Handler, parse: Callable[[bytes], Any]) -> Handler:
    """Read the request. Raises as `message_from`.

    gRPC would do it before everything else: for anybody, unmeasured, and answer with what the parser said.
    """

    async def handle(request: bytes, context: Context) -> Any:
        return await handler(message_from(request, parse), context)

    return handle


def with_deadline(handler: Handler, engine: Callable[[float], AbstractContextManager[None]]) -> Handler:
    """Let the call, and everything it asks of an engine or a neighbour, take no longer than its client waits."""

    async def handle(request: Any, context: Context) -> Any:
        left = context.time_remaining()
        seconds = MAX_SECONDS if left is None else min(left, MAX_SECONDS)
        with within(seconds), engine(seconds):
            return await handler(request, context)

    return handle


def with_limit(handler: Handler, limit: "InFlight") -> Handler:
    """Refuse the call as Unavailable while too many are being served."""

    async def handle(request: Any, context: Context) -> Any:
        with limit:
            return await handler(request, context)

    return handle


def with_errors(handler: Handler, method: str) -> Handler:
    """Say every error as a status with details; of a bug nothing but that it is one."""

    async def handle(request: Any, context: Context) -> Any:
        try:
            return await handler(request, context)
        except Error as error:
            await tell(error, context)
        except Exception:
            log.exception("rpc_failed", method=method)
            await context.abort(grpc.StatusCode.INTERNAL, "internal error")

    return handle


def with_telemetry(handler: Handler, method: str) -> Handler:
    """Measure the call and make it a step of its client's trace."""
    observe = Observing(metrics.rpc_handled, method)
    by_number = {code.value[0]: code for code in grpc.StatusCode}

    async def handle(request: Any, context: Context) -> Any:
        started = time.perf_counter()
        parent, state = _metadata(context, "traceparent"), _metadata(context, "tracestate")
        left = False
        with traces.continued(parent, method, tracestate=state):
            try:
                return await handler(request, context)
            except asyncio.CancelledError:
                left = True
                raise
            finally:
                code = grpc.StatusCode.CANCELLED if left else context.code()
                code = by_number[code] if isinstance(code, int) else code
                observe[code or grpc.StatusCode.OK](time.perf_counter() - started)

    return handle


async def tell(error: Error, context: Context) -> None:
    """End the call with the error as its status."""
    await context.abort(code_of(error), message_of(error), ((DETAILS_KEY, details_of(error)),))


def message_from(request: bytes, parse: Callable[[bytes], Any]) -> Any:
    """The message of a request. Raises Unreadable for bytes that are no such message."""
    try:
        return parse(request)
    except DecodeError:
        raise Unreadable("the request is no message of this method") from None


class InFlight:
    """Counts the calls being served, up to a limit. Raises Unavailable when entered above it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.count = 0

    def __enter__(self) -> None:
        if self.count >= self._limit:
            raise Unavailable("too many calls at once", retry_after=1.0)
        self.count += 1
        metrics.rpc_in_flight.set(self.count)

    def __exit__(self, *_: object) -> None:
        self.count -= 1
        metrics.rpc_in_flight.set(self.count)


def _metadata(context: Context, name: str) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == name:
            return value if isinstance(value, str) else value.decode(errors="replace")
    return ""
