"""Answers of 1 kB and more are compressed, as the client accepts it: zstd before br before gzip (RFC 9110, 12.5.3)."""

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_compress import CompressMiddleware, remove_compress_type

from gateway.entity_tags import coded
from gateway.middleware.messages import AUTH, Headers, on_start

_MINIMUM = 1024
_AS_THEY_ARE = (AUTH, "/docs/")
# A compressor for each stream would cost more memory than all the rest of it.
remove_compress_type("text/event-stream")


class Compress:
    """Compresses what has no secret in it.

    Answers under /auth/ stay as they are: a token beside what a client sent could be guessed from the length of both
    (BREACH, CVE-2013-3587). So do problem documents, which repeat what was sent. What is compressed gets an ETag of its
    own, since a strong one names these very bytes (RFC 9110, 8.8.3.3). The assets of the docs page are left out because
    anybody may ask for them: a megabyte and a half costs 7 to 22 ms of CPU, 20 tasks cost .02 to .04.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._plain, self._compressing = app, CompressMiddleware(app, minimum_size=_MINIMUM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(_AS_THEY_ARE):
            await self._plain(scope, receive, send)
        else:
            await self._compressing(scope, receive, on_start(send, _mark))


def _mark(status: int, headers: Headers) -> None:
    coding = next((value for name, value in headers if name == b"content-encoding"), b"")
    if status == 304:
        headers.append((b"vary", b"accept-encoding"))
    elif coding:
        headers[:] = [(name, coded(value, coding) if name == b"etag" else value) for name, value in headers]
