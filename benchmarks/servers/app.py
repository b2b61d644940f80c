"""A bare ASGI application: reads the body, answers 300 bytes of JSON. At /slow it takes its time, at /early none."""

import asyncio
from typing import Any

BODY = b'{"id":"0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11","title":"' + b"x" * 240 + b'"}'
SLOW_SECONDS = 1.0

_HEAD = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The application."""
    if scope["type"] != "http":
        raise ValueError("nothing but HTTP")  # how an application says that it has no lifespan
    while scope["path"] != "/early":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body"):
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(SLOW_SECONDS)
    await send(_HEAD)
    await send({"type": "http.response.body", "body": BODY})
