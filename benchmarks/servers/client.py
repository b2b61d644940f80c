"""Who asks: the same GET, so many at a time, over HTTP/1.1 (a connection each) or HTTP/2 (all over one)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded, StreamReset

from benchmarks.servers.app import BODY

AT_ONCE = 8
_REQUEST = b"GET /api/v1/tasks/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nAccept: application/json\r\n\r\n"
_FIELDS = [
    (":method", "GET"), (":scheme", "http"), (":path", "/api/v1/tasks/1"), (":authority", "x"),
    ("authorization", "Bearer x"), ("accept", "application/json"),
]  # fmt: skip

Asking = Callable[[int], Awaitable[int]]
"""Asks so often; how many were answered."""


async def asking(port: int, h2: bool, stack: AsyncExitStack) -> Asking:
    """Connections that stay open for as long as the stack."""
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(1 if h2 else AT_ONCE)]
    for _, writer in connections:
        stack.callback(writer.close)
    if h2:
        return _Http2(*connections[0]).ask

    async def ask(times: int) -> int:
        return sum(await asyncio.gather(*(_http1(*each, times // AT_ONCE) for each in connections)))

    return ask


async def _http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, times: int) -> int:
    for _ in range(times):
        writer.write(_REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 ") or await reader.readexactly(len(BODY)) != BODY:
            raise ConnectionError(head.decode())
    return times


class _Http2:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._h2 = H2Connection(H2Configuration(validate_outbound_headers=False, validate_inbound_headers=False))
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(2**30)

    async def ask(self, times: int) -> int:
        """Ask so often. What is reset, or lost with the connection, is not answered."""
        asked = answered = ended = 0
        while ended < times:
            while asked < times and asked - ended < AT_ONCE:
                self._h2.send_headers(self._h2.get_next_available_stream_id(), _FIELDS, end_stream=True)
                asked += 1
            self._writer.write(self._h2.data_to_send())
            data = await self._reader.read(65_536)
            if not data:
                return answered
            for event in self._h2.receive_data(data):
                if isinstance(event, StreamEnded | StreamReset):
                    ended += 1
                    answered += isinstance(event, StreamEnded)
                elif isinstance(event, DataReceived):
                    self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        return answered
