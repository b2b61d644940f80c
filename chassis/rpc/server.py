"""The gRPC server of a service: its methods behind the concerns, health, reflection, graceful drain."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from chassis.rpc.concerns import (
    Access,
    InFlight,
    with_deadline,
    with_errors,
    with_identity,
    with_limit,
    with_message,
    with_telemetry,
)
from chassis.rpc.health import RpcHealth
from chassis.rpc.standard import Standard
from chassis.settings import ServiceSettings
from chassis.tokens import TokenVerifier

log = structlog.get_logger(__name__)

# A dead peer is noticed within 40 s. Clients ping every 10 s, and are cut off for doing so more often than allowed.
_OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.so_reuseport", 0),
)


def _no_engine(_: float) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Service:
    """A servicer and who may call each of its methods."""

    descriptor: ServiceDescriptor
    add: Callable[[Any, Any], None]
    servicer: object
    access: Mapping[str, Access]


class RpcServer:
    """Component: serves the services. Raises ValueError when made with a method that has no access rule.

    Leaving it gives clients a moment to heed that the process is NOT_SERVING, takes no new calls, waits for those in
    flight up to the drain time, and cancels the rest. Without that moment calls would be lost that have arrived and are
    not begun: gRPC cancels them when the server stops.
    """

    name = "rpc"

    def __init__(
        self,
        settings: ServiceSettings,
        services: Sequence[Service],
        verifier: TokenVerifier,
        health: RpcHealth,
        engine: Callable[[float], AbstractContextManager[None]] = _no_engine,
    ) -> None:
        self._address = f"{settings.grpc_host}:{settings.grpc_port}"
        self._notice_seconds, self._drain_seconds = settings.grpc_drain_notice, settings.drain_timeout
        self._limit = InFlight(settings.grpc_max_in_flight)
        self._services, self._verifier, self._health, self._engine = services, verifier, health, engine
        for service in services:
            _require_rules(service)
        self._server: grpc.aio.Server | None = None
        self.port = settings.grpc_port

    async def __aenter__(self) -> None:
        server = self._server = grpc.aio.server(options=_OPTIONS)
        for service in self._services:
            service.add(service.servicer, _Wrapping(server, service, self._wrap))
        standard = Standard(server)
        await self._health.add_to(standard)
        names = [service.descriptor.full_name for service in self._services]
        health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        told = reflection.aio.ReflectionServicer([*names, health_name, reflection.SERVICE_NAME])
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(told, standard)
        self.port = server.add_insecure_port(self._address)
        await server.start()
        log.info("rpc_listening", port=self.port)

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            await asyncio.sleep(self._notice_seconds)
            await self._server.stop(self._drain_seconds)

    def background(self) -> tuple[()]:
        return ()

    def _wrap(self, method: str, access: Access, handler: Any) -> Any:
        known = with_message(handler.unary_unary, handler.request_deserializer)
        inner = with_identity(known, access, self._verifier)
        limited = with_limit(with_deadline(inner, self._engine), self._limit)
        return with_telemetry(with_errors(limited, method), method)


class _Wrapping:
    """Stands between the generated `add_…_to_server` and the server: wraps each method's handler once."""

    def __init__(self, server: grpc.aio.Server, service: Service, wrap: Callable[[str, Access, Any], Any]) -> None:
        self._server, self._service, self._wrap = server, service, wrap

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        wrapped = {name: self._wrapped(name, handler) for name, handler in method_handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service_name, wrapped),))

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """The same handlers once more, unwrapped: left out."""

    def _wrapped(self, name: str, handler: Any) -> Any:
        method = f"{self._service.descriptor.full_name}/{name}"
        return grpc.unary_unary_rpc_method_handler(
            self._wrap(method, self._service.access[name], handler),
            response_serializer=handler.response_serializer,
        )


def _require_rules(service: Service) -> None:
    for method in service.descriptor.methods:
        if method.name not in service.access:
            raise ValueError(f"{method.full_name} has no access rule")
        if method.client_streaming or method.server_streaming:
            raise ValueError(f"{method.full_name} streams: the concerns wrap unary methods only")
