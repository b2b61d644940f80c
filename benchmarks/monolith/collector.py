"""Somebody to take the traces: what is sampled is exported, as in production, and thrown away here."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from chassis.testing.ports import free_port

_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"


@contextmanager
def collecting() -> Iterator[str]:
    """An OTLP/gRPC collector while the block lasts, in a thread of its own; its URL."""
    port = free_port()
    server = grpc.server(ThreadPoolExecutor(1, thread_name_prefix="collector"))
    handlers: dict[str, Any] = {"Export": grpc.unary_unary_rpc_method_handler(_export)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def _export(_: bytes, __: Any) -> bytes:
    return b""
