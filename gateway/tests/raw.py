"""Bytes on a connection, for what no client library would send."""

import asyncio
import select
import socket


async def opened(origin: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the gateway."""
    host, port = origin.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


def narrow(origin: str) -> socket.socket:
    """A connection to the gateway on whose way there is room for little, and nobody who reads."""
    host, port = origin.removeprefix("http://").split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)  # by which the other end's system measures its own
    client.connect((host, int(port)))
    return client


def is_cut(client: socket.socket) -> bool:
    """Whether the connection is over, whatever waits to be read."""
    poll = select.poll()
    poll.register(client, 0)
    return bool(poll.poll(0))


async def answered(origin: str, sent: bytes) -> bytes:
    """All that comes until the gateway closes the connection."""
    reader, writer = await opened(origin)
    writer.write(sent)
    found = await rest(reader)
    writer.close()
    return found


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What still comes."""
    async with asyncio.timeout(60):
        return await reader.read()
