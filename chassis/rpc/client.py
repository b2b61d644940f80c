"""The gRPC channel to a neighbour: deadline, identity and trace go along, errors come back as the suite's own."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

import grpc
from opentelemetry.trace import SpanKind

from chassis.deadline import remaining
from chassis.errors import DeadlineExceeded, Error
from chassis.identity import peek_principal
from chassis.rpc.guard import Guard, Verdict
from chassis.rpc.status import DETAILS_KEY, error_of
from chassis.rpc.waits import waited
from chassis.telemetry import metrics, traces
from chassis.telemetry.observing import Observing

Metadata = tuple[tuple[str, str], ...]

_WHOLE = 0.9
"""The share of a call's usual time that counts as all of it: a little is gone before the call leaves."""


class RpcFailed(Exception):
    """A neighbour answered with a status that says a bug (INTERNAL, UNKNOWN, …)."""


def bearer(token: str) -> Metadata:
    """The metadata of a call made as somebody else than the current principal."""
    return (("authorization", f"Bearer {token}"),)


def service_config(service: str, idempotent: Iterable[str]) -> str:
    """Replicas in turn, but none that says NOT_SERVING (gRFC A17): a server that is about to stop says it before.

    Retries as data (gRFC A6): up to four attempts of the idempotent methods while the neighbour is UNAVAILABLE.

    An outage is not multiplied by them: each failed attempt costs a token of 40, each success brings a tenth of one
    back, and with 20 or fewer there are no retries. So while more than one call in eleven fails they end soon.
    """
    names = [{"service": service, "method": method} for method in sorted(idempotent)]
    policy = {
        "maxAttempts": 4,
        "initialBackoff": "0.05s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    methods = [{"name": names, "retryPolicy": policy}] if names else []
    return json.dumps(
        {
            "loadBalancingConfig": [{"round_robin": {}}],
            "healthCheckConfig": {"serviceName": ""},
            "methodConfig": methods,
            "retryThrottling": {"maxTokens": 40, "tokenRatio": 0.1},
        }
    )


class ServiceChannel(grpc.aio.Channel):
    """Component and channel: give it to a generated stub, and each of its calls

    - waits at most `timeout` seconds (or the call's own `timeout=`), and no longer than the current deadline;
    - carries the current principal's token (or the call's own `metadata=`) and the current trace;
    - passes the guard, if there is one and it is a call of `service` (health is asked past it);
    - raises the errors of chassis/errors.py, or RpcFailed.

    A target is a name of DNS, of which every address is used in turn, or an address (gRPC Name Resolution). A replica
    that hangs drops out when it leaves a ping unanswered, within 20 s.
    """

    def __init__(
        self, target: str, service: str, timeout: float, idempotent: Iterable[str] = (), guard: Guard | None = None
    ) -> None:
        self.name = f"channel:{service}"
        self.timeout, self.guard, self._guarded = timeout, guard, f"/{service}/"
        self._channel = grpc.aio.insecure_channel(
            target,
            options=(
                ("grpc.service_config", service_config(service, idempotent)),
                ("grpc.keepalive_time_ms", 10_000),
                ("grpc.keepalive_timeout_ms", 10_000),
                # Of any ping: the keep-alive's waits behind those that probe the bandwidth, which have a minute.
                ("grpc.http2.ping_timeout_ms", 10_000),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 500),
                # No back-off in spite of its name: how long an attempt to connect may take.
                ("grpc.min_reconnect_backoff_ms", 1_000),
            ),
        )

    async def __aenter__(self) -> "ServiceChannel":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    def background(self) -> tuple[()]:
        return ()

    async def close(self, grace: float | None = None) -> None:
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        guard = self.guard if method.startswith(self._guarded) else None
        return _Call(method.lstrip("/"), self._channel.unary_unary(method, *args, **kwargs), self.timeout, guard)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self._channel.unary_stream(method, *args, **kwargs)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self._channel.stream_unary(method, *args, **kwargs)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return self._channel.stream_stream(method, *args, **kwargs)


class _Call:
    """One method of a neighbour."""

    def __init__(self, method: str, call: Callable[..., Any], timeout: float, guard: Guard | None) -> None:
        self._method, self._call, self._timeout, self._guard = method, call, timeout, guard
        self._observe = Observing(metrics.rpc_called, method)

    async def __call__(self, request: Any, *, timeout: float | None = None, metadata: Metadata | None = None) -> Any:
        usual = timeout or self._timeout
        seconds, guard = remaining(usual), self._guard
        era = guard.enter() if guard is not None else 0
        started, code, verdict = time.perf_counter(), grpc.StatusCode.OK, Verdict.NONE
        try:
            with traces.span(self._method, SpanKind.CLIENT):
                answer = await self._call(request, timeout=seconds, metadata=_with_context(metadata))
                verdict = Verdict.ANSWERED
                return answer
        except grpc.aio.AioRpcError as error:
            code, details = error.code(), _details(error)
            verdict = _verdict(code, details, whole=seconds >= _WHOLE * usual)
            raise _translated(self._method, error, details) from None
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        finally:
            took = time.perf_counter() - started
            self._observe[code](took)
            waited(took)
            if guard is not None:
                guard.leave(era, verdict)


def _verdict(code: grpc.StatusCode, details: bytes | None, *, whole: bool) -> Verdict:
    """UNAVAILABLE without details is what the channel says: no process of ours was heard."""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Verdict.SILENT if whole else Verdict.NONE
    if code is grpc.StatusCode.CANCELLED:
        return Verdict.NONE
    return Verdict.SILENT if code is grpc.StatusCode.UNAVAILABLE and not details else Verdict.ANSWERED


def _with_context(metadata: Metadata | None) -> Metadata:
    if metadata is None:
        principal = peek_principal()
        metadata = bearer(principal.token) if principal else ()
    trace = ("traceparent", traces.current_traceparent())
    state = traces.current_tracestate()
    return (*metadata, trace, ("tracestate", state)) if state else (*metadata, trace)


def _translated(method: str, error: grpc.aio.AioRpcError, details: bytes | None) -> Exception:
    message = error.details() or ""
    if error.code() is grpc.StatusCode.CANCELLED:
        return DeadlineExceeded(f"{method} was cancelled")
    known: Error | None = error_of(error.code(), message if details else f"{method} did not answer", details)
    return known or RpcFailed(f"{method}: {error.code().name} {message}")


def _details(error: grpc.aio.AioRpcError) -> bytes | None:
    for key, value in cast("Iterable[tuple[str, str | bytes]] | None", error.trailing_metadata()) or ():
        if key == DETAILS_KEY:
            return value if isinstance(value, bytes) else value.encode()
    return None
