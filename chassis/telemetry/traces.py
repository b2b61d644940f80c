"""Traces: W3C trace context through every hop, spans of our own, the sampling decided before a span is made.

An unsampled call costs a context variable and no span; its trace id still stands in logs, problems and events.
Sources: W3C Trace Context; OpenTelemetry semantic conventions.
"""

import random
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer
from opentelemetry.trace.span import TraceState

from chassis.settings import Settings

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_STATE_MEMBER = re.compile(
    r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    r"=[ -+\--<>-~]{0,255}[!-+\--<>-~]"
)
_STATE_MEMBERS, _STATE_LENGTH = 32, 512


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where in which trace we are, whether the trace is recorded, and what others noted about it (tracestate)."""

    trace_id: int
    span_id: int
    sampled: bool
    state: str = ""

    @property
    def traceparent(self) -> str:
        """The header that carries this on."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{int(self.sampled):02x}"


@dataclass(slots=True)
class _Tracing:
    tracer: Tracer | None = None
    ratio: float = 0.0


_current: ContextVar[TraceContext | None] = ContextVar("trace", default=None)
_tracing = _Tracing()


class Tracing:
    """Component: exports spans while the process lives. With no endpoint and no exporter nothing is recorded."""

    name = "tracing"

    def __init__(self, settings: Settings, service: str, exporter: SpanExporter | None = None) -> None:
        self._ratio = settings.trace_sample_ratio
        self._service = service
        self._endpoint = settings.otlp_endpoint
        self._exporter = exporter
        self._provider: TracerProvider | None = None

    async def __aenter__(self) -> None:
        exporter = self._exporter
        if exporter is None and self._endpoint:
            exporter = OTLPSpanExporter(endpoint=self._endpoint, insecure=self._endpoint.startswith("http://"))
        if exporter is None:
            return
        self._provider = TracerProvider(resource=Resource.create({"service.name": self._service}))
        # The processor's queue is bounded and drops when the collector is away: no request ever waits for it.
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        _tracing.tracer, _tracing.ratio = self._provider.get_tracer("primetrade"), self._ratio

    async def __aexit__(self, *_: object) -> None:
        if self._provider is not None:
            _tracing.tracer, _tracing.ratio = None, 0.0
            self._provider.shutdown()

    def background(self) -> tuple[()]:
        return ()


def current_trace() -> TraceContext | None:
    """Where we are, or None outside any trace."""
    return _current.get()


def current_traceparent() -> str:
    """The W3C traceparent to send on, or an empty string outside any trace."""
    context = _current.get()
    return context.traceparent if context else ""


def current_tracestate() -> str:
    """The W3C tracestate to send on with the traceparent; empty when there is none."""
    context = _current.get()
    return context.state if context else ""


def continued(
    traceparent: str,
    name: str,
    kind: SpanKind = SpanKind.SERVER,
    attributes: Mapping[str, str | int] | None = None,
    tracestate: str = "",
) -> AbstractContextManager[TraceContext]:
    """Run the block in the trace of `traceparent`, or in a new one when it is empty or malformed.

    The decision to record a new trace is made here, once; a trace that comes in keeps its own. Its `tracestate` goes on
    as it came; a malformed or overlong one is dropped (Trace Context, 3.3.1).
    """
    match = _TRACEPARENT.fullmatch(traceparent)
    if match:
        state = _state_of(tracestate) if tracestate else ""
        parent = TraceContext(int(match[1], 16), int(match[2], 16), bool(int(match[3], 16) & 1), state)
    else:
        sampled = _tracing.tracer is not None and random.random() < _tracing.ratio  # noqa: S311 - no secret
        parent = TraceContext(random.getrandbits(128) or 1, 0, sampled)
    return _Step(parent, name, kind, attributes)


def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, str | int] | None = None
) -> AbstractContextManager[TraceContext]:
    """Run the block as one step of the current trace; a span is made only when the trace is recorded."""
    parent = _current.get() or TraceContext(random.getrandbits(128) or 1, 0, sampled=False)
    return _Step(parent, name, kind, attributes)


class _Step:
    """One step of a trace. A class, where a generator would do: every call and every event goes through here."""

    __slots__ = ("_attributes", "_kind", "_name", "_parent", "_recording", "_token")

    def __init__(
        self, parent: TraceContext, name: str, kind: SpanKind, attributes: Mapping[str, str | int] | None
    ) -> None:
        self._parent, self._name, self._kind, self._attributes = parent, name, kind, attributes
        self._recording: Span | None = None

    def __enter__(self) -> TraceContext:
        parent = self._parent
        if parent.sampled and _tracing.tracer is not None:
            recording = _tracing.tracer.start_span(self._name, _otel_parent(parent), self._kind, self._attributes)
            self._recording = recording
            made = recording.get_span_context()
            # A new trace takes the id that OpenTelemetry chose for its first span.
            context = TraceContext(made.trace_id, made.span_id, sampled=True, state=parent.state)
        else:
            context = TraceContext(parent.trace_id, random.getrandbits(64) or 1, parent.sampled, parent.state)
        self._token = _current.set(context)
        return context

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        _current.reset(self._token)
        if self._recording is not None:
            if isinstance(error, Exception):
                self._recording.set_status(Status(StatusCode.ERROR, type(error).__name__))
            self._recording.end()


def _otel_parent(parent: TraceContext) -> Context:
    if not parent.span_id:
        return trace.set_span_in_context(trace.INVALID_SPAN)
    state = TraceState.from_header([parent.state]) if parent.state else None
    context = SpanContext(parent.trace_id, parent.span_id, True, TraceFlags(TraceFlags.SAMPLED), state)
    return trace.set_span_in_context(NonRecordingSpan(context))


def _state_of(given: str) -> str:
    """A tracestate as the standard has it, or nothing."""
    members = [member for part in given.split(",") if (member := part.strip(" \t"))]
    keys = {member.partition("=")[0] for member in members}
    if len(given) > _STATE_LENGTH or len(members) > _STATE_MEMBERS or len(keys) != len(members):
        return ""
    return ",".join(members) if all(map(_STATE_MEMBER.fullmatch, members)) else ""
