"""Series come when there is something to tell."""

import grpc
from prometheus_client import CollectorRegistry, Histogram

from chassis.telemetry.observing import Observing


def test_success_is_there_from_the_start_and_others_come_when_they_are_seen() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("calls_seconds", "Calls", ("method", "code"), registry=registry)

    def counted() -> dict[str, float]:
        samples = (sample for family in registry.collect() for sample in family.samples)
        return {sample.labels["code"]: sample.value for sample in samples if sample.name == "calls_seconds_count"}

    observing = Observing(histogram, "GetTask")
    assert counted() == {"OK": 0}
    observing[grpc.StatusCode.NOT_FOUND](0.1)
    observing[grpc.StatusCode.NOT_FOUND](0.1)
    observing[grpc.StatusCode.OK](0.1)
    assert counted() == {"OK": 1, "NOT_FOUND": 2}
