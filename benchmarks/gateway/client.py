"""Who asks: so many requests over a few connections that stay open, one at a time on each."""

import asyncio
from collections.abc import Iterator, Sequence

CONNECTIONS = 8


def request(method: str, path: str, token: str = "", body: bytes = b"") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Accept: application/json"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


async def ask(port: int, requests: Sequence[bytes]) -> None:
    """Send all of them, and take the answers. Raises ConnectionError when one is not of success."""
    waiting = iter(requests)
    await asyncio.gather(*(_ask(port, waiting) for _ in range(CONNECTIONS)))


async def _ask(port: int, waiting: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for asked in waiting:
        writer.write(asked)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        if not head.startswith(b"http/1.1 20"):
            raise ConnectionError((head + body).decode())
    writer.close()
