"""One trace goes through every hop; what is not sampled makes no span and keeps its id."""

from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.settings import Settings
from chassis.telemetry import traces

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = PARENT[:-2] + "00"


@pytest.fixture
async def spans() -> AsyncIterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    async with traces.Tracing(Settings(trace_sample_ratio=1.0), "test", exporter):
        yield exporter


async def test_a_trace_that_comes_in_is_continued() -> None:
    exporter = InMemorySpanExporter()
    async with traces.Tracing(Settings(trace_sample_ratio=0.0), "test", exporter):
        with traces.continued(PARENT, "serve"), traces.span("ask"):
            onward = traces.current_traceparent()
    ask, serve = exporter.get_finished_spans()
    assert (ask.name, serve.name) == ("ask", "serve")
    assert serve.parent is not None
    assert ask.parent is not None
    assert f"{serve.parent.span_id:016x}" == "b7ad6b7169203331"
    assert ask.parent.span_id == serve.context.span_id
    assert onward == f"00-0af7651916cd43dd8448eb211c80319c-{ask.context.span_id:016x}-01"


async def test_what_others_noted_is_in_every_span_and_goes_on() -> None:
    exporter = InMemorySpanExporter()
    async with traces.Tracing(Settings(trace_sample_ratio=0.0), "test", exporter):
        with traces.continued(PARENT, "serve", tracestate="vendor=1, other=2"), traces.span("ask"):
            assert traces.current_tracestate() == "vendor=1,other=2"
    for span in exporter.get_finished_spans():
        assert span.context.trace_state.to_header() == "vendor=1,other=2"
    assert traces.current_tracestate() == ""


async def test_an_unsampled_trace_makes_no_span_and_keeps_its_id() -> None:
    exporter = InMemorySpanExporter()
    async with traces.Tracing(Settings(trace_sample_ratio=1.0), "test", exporter):
        with traces.continued(UNSAMPLED, "serve"), traces.span("ask"):
            onward = traces.current_traceparent()
    assert exporter.get_finished_spans() == ()
    assert onward.split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert onward.endswith("-00")


async def test_a_new_trace_is_one_trace(spans: InMemorySpanExporter) -> None:
    with traces.continued("", "serve") as outer, traces.span("ask") as inner:
        assert inner.trace_id == outer.trace_id
        assert inner.sampled


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "00",
        "hello",
        "ff-" + PARENT[3:],
        PARENT.upper(),
        PARENT.replace("b7ad6b7169203331", "0" * 16),
        PARENT + "\n",
    ],
)
async def test_a_malformed_traceparent_begins_a_new_trace(malformed: str) -> None:
    with traces.continued(malformed, "serve") as context:
        assert context.trace_id != 0x0AF7651916CD43DD8448EB211C80319C
    assert traces.current_traceparent() == ""


async def test_an_error_marks_its_span() -> None:
    exporter = InMemorySpanExporter()
    async with traces.Tracing(Settings(), "test", exporter):
        with pytest.raises(ZeroDivisionError), traces.continued(PARENT, "serve"):
            _ = 1 / 0
    assert exporter.get_finished_spans()[0].status.description == "ZeroDivisionError"
