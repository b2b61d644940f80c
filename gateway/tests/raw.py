"""Bytes on a connection, for what no client library would send."""

import asyncio


async def opened(origin: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the gateway."""
    host, port = origin.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


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
