"""gRPC's own services, health and reflection, on the server of a process.

They need none of the concerns but one: gRPC would quote the parser to whoever sends bytes that are no message.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import grpc

from chassis.errors import Unreadable
from chassis.rpc.concerns import Context, message_from, tell


class Standard:
    """Stands between the generated `add_…_to_server` and the server, as the stand-in for our own services does."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        readable = {name: _readable(handler) for name, handler in method_handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service_name, readable),))

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """The same handlers once more, unwrapped: left out."""


def _readable(handler: Any) -> Any:
    parse, written = handler.request_deserializer, handler.response_serializer
    if handler.request_streaming:
        return grpc.stream_stream_rpc_method_handler(
            _of_many(handler.stream_stream, parse), response_serializer=written
        )
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(_of_one(handler.unary_stream, parse), response_serializer=written)
    return grpc.unary_unary_rpc_method_handler(_of_one(handler.unary_unary, parse), response_serializer=written)


def _of_one(behaviour: Any, parse: Callable[[bytes], Any]) -> Any:
    async def handle(request: bytes, context: Context) -> Any:
        return await behaviour(await _read(request, parse, context), context)

    return handle


def _of_many(behaviour: Any, parse: Callable[[bytes], Any]) -> Any:
    async def handle(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[Any]:
        messages = (await _read(request, parse, context) async for request in requests)
        async for answer in behaviour(messages, context):
            yield answer

    return handle


async def _read(request: bytes, parse: Callable[[bytes], Any], context: Context) -> Any:
    try:
        return message_from(request, parse)
    except Unreadable as error:
        await tell(error, context)
