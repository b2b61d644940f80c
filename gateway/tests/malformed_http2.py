"""What no client would send in HTTP/2: fields that no request may have, frames out of place, and too many of them."""

from collections.abc import Callable

from h2.errors import ErrorCodes
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from gateway.http2.connection import STREAMS
from gateway.tests.frames import Fields, asking

LOGIN = asking("/api/v1/auth/login", "POST")
CALM, CANCEL, CLOSED = ErrorCodes.ENHANCE_YOUR_CALM, ErrorCodes.CANCEL, ErrorCodes.STREAM_CLOSED
PROTOCOL, REFUSED, SIZE = ErrorCodes.PROTOCOL_ERROR, ErrorCodes.REFUSED_STREAM, ErrorCodes.FRAME_SIZE_ERROR


def plain(fields: Fields) -> bytes:
    """The fields without indexing: literals with a literal name (RFC 7541, 6.2.2)."""
    return b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)


def head(stream: int = 1, *flags: str, fields: Fields = LOGIN) -> HeadersFrame:
    return HeadersFrame(stream, plain(fields), flags=["END_HEADERS", *flags])


def heads(stream: int, fields: Fields) -> list[Frame]:
    """The fields as a head and its continuations, which end the request."""
    block, size = Encoder().encode(fields, huffman=False), 16_384
    pieces = [block[start : start + size] for start in range(0, len(block), size)]
    first: list[Frame] = [HeadersFrame(stream, pieces[0], flags=["END_STREAM"])]
    found = first + [ContinuationFrame(stream, piece) for piece in pieces[1:]]
    found[-1].flags.add("END_HEADERS")
    return found


def _of(kind: int, stream: int, payload: bytes, flags: int = 0) -> bytes:
    """A frame whose length and flags nobody has checked."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _without(name: bytes) -> list[tuple[bytes, bytes]]:
    return [field for field in LOGIN if field[0] != name]


def _instead(name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
    return [(known, value if known == name else old) for known, old in LOGIN]


MALFORMED: dict[str, tuple[list[tuple[bytes, bytes]], int]] = {
    "Connection": ([*LOGIN, (b"connection", b"close")], 400),
    "Keep-Alive": ([*LOGIN, (b"keep-alive", b"5")], 400),
    "Proxy-Connection": ([*LOGIN, (b"proxy-connection", b"close")], 400),
    "Transfer-Encoding": ([*LOGIN, (b"transfer-encoding", b"chunked")], 400),
    "Upgrade": ([*LOGIN, (b"upgrade", b"websocket")], 400),
    "a TE that is more than trailers": ([*LOGIN, (b"te", b"gzip")], 400),
    "a name in capitals": ([*LOGIN, (b"A", b"b")], 400),
    "no name": ([*LOGIN, (b"", b"b")], 400),
    "a name with a colon": ([*LOGIN, (b"a:b", b"c")], 400),
    "a name with a space": ([*LOGIN, (b"a b", b"c")], 400),
    "a name with a parenthesis": ([*LOGIN, (b"a(b", b"c")], 400),
    "a name that is not ASCII": ([*LOGIN, (b"\xe9", b"c")], 400),
    "NUL in a value": ([*LOGIN, (b"a", b"b\x00c")], 400),
    "LF in a value": ([*LOGIN, (b"a", b"b\ncontent-length: 5")], 400),
    "CR in a value": ([*LOGIN, (b"a", b"b\rc")], 400),
    "a control character in a value": ([*LOGIN, (b"a", b"b\x1bc")], 400),
    "DEL in a value": ([*LOGIN, (b"a", b"b\x7fc")], 400),
    "a space before a value": ([*LOGIN, (b"a", b" b")], 400),
    "a tab after a value": ([*LOGIN, (b"a", b"b\t")], 400),
    "no method": (_without(b":method"), 400),
    "no scheme": (_without(b":scheme"), 400),
    "no path": (_without(b":path"), 400),
    "no authority and no Host": (_without(b":authority"), 400),
    "two methods": ([(b":method", b"GET"), *LOGIN], 400),
    "two paths": ([(b":path", b"/healthz"), *LOGIN], 400),
    "a status": ([(b":status", b"200"), *LOGIN], 400),
    "a protocol": ([(b":protocol", b"websocket"), *LOGIN], 400),
    "a pseudo-header that is not known": ([(b":x", b"y"), *LOGIN], 400),
    "a pseudo-header after a header": ([(b"a", b"b"), *LOGIN], 400),
    "two Hosts": ([*LOGIN, (b"host", b"x"), (b"host", b"x")], 400),
    "a Host that is not the authority": ([*LOGIN, (b"host", b"y")], 400),
    "an authority with a name before it": (_instead(b":authority", b"u@x"), 400),
    "an authority with a path": (_instead(b":authority", b"x/y"), 400),
    "an empty path": (_instead(b":path", b""), 400),
    "a path that is a URL": (_instead(b":path", b"http://x/healthz"), 400),
    "a path without a slash": (_instead(b":path", b"healthz"), 400),
    "a path with a fragment": (_instead(b":path", b"/healthz#x"), 400),
    "a path with a space": (_instead(b":path", b"/heal thz"), 400),
    "a path with a line": (_instead(b":path", b"/healthz HTTP/1.1\r\nhost: y"), 400),
    "a path with UTF-8": (_instead(b":path", "/healthz/é".encode()), 400),
    "an asterisk": (_instead(b":path", b"*"), 400),
    "a tunnel": ([(b":method", b"CONNECT"), (b":authority", b"x:80")], 400),
    "a method with a space": (_instead(b":method", b"GET /"), 400),
    "no letter of a method": (_instead(b":method", b""), 400),
    "a small method": (_instead(b":method", b"post"), 405),
    "one length twice": ([*LOGIN, (b"content-length", b"0"), (b"content-length", b"0")], 400),
    "a length and no body": ([*LOGIN, (b"content-length", b"5")], 400),
    "too many headers": ([*LOGIN, *[(b"a", b"b")] * 101], 431),
    "too large a value": ([*LOGIN, (b"a", b"x" * 66_000)], 431),
    "too large a path": (_instead(b":path", b"/" + b"x" * 66_000), 431),
}
"""Fields that no request may have (RFC 9113, 8.2 and 8.3), and the answer."""

BROKEN: dict[str, tuple[list[Frame | bytes], set[ErrorCodes]]] = {
    "a head that is no HPACK": ([HeadersFrame(1, b"\xff" * 20, flags=["END_HEADERS"])], {PROTOCOL}),
    "a head on stream 0": ([_of(1, 0, plain(LOGIN), 4)], {PROTOCOL}),
    "a head on the server's stream": ([head(2)], {PROTOCOL}),
    "a stream older than the last": ([head(3), head(1)], {PROTOCOL}),
    "data on stream 0": ([_of(0, 0, b"x")], {PROTOCOL}),
    "data before a head": ([DataFrame(1, b"x")], {PROTOCOL}),
    "padding longer than the data": ([head(1), _of(0, 1, b"\x09x", 8)], {PROTOCOL}),
    "a frame that is too large": ([head(1), DataFrame(1, b"x" * 16_385)], {SIZE}),
    "less data than said": ([head(1, fields=[*LOGIN, (b"content-length", b"5")]), DataFrame(1, b"x", flags=[
        "END_STREAM"])], {PROTOCOL}),
    "more data than said": ([head(1, fields=[*LOGIN, (b"content-length", b"1")]), DataFrame(1, b"xx")], {PROTOCOL}),
    "a length of letters": ([head(1, fields=[*LOGIN, (b"content-length", b"five")])], {PROTOCOL}),
    "two lengths": ([head(1, fields=[*LOGIN, (b"content-length", b"5"), (b"content-length", b"6")])], {PROTOCOL}),
    "trailers that do not end": ([head(1), head(1, fields=[(b"a", b"b")])], {PROTOCOL}),
    "something amid a head": ([HeadersFrame(1, plain(LOGIN)), PingFrame(0)], {PROTOCOL}),
    "a continuation of nothing": ([ContinuationFrame(1, plain(LOGIN), flags=["END_HEADERS"])], {PROTOCOL}),
    "a promise": ([head(1), PushPromiseFrame(1, 2, plain(LOGIN), flags=["END_HEADERS"])], {PROTOCOL}),
    "a stream that depends on itself": ([PriorityFrame(1, depends_on=1)], {PROTOCOL}),
    "a reset of stream 0": ([_of(3, 0, b"\0\0\0\0")], {PROTOCOL}),
    "a reset of no stream": ([RstStreamFrame(1)], {PROTOCOL}),
    "a ping of seven bytes": ([_of(6, 0, b"1234567")], {SIZE, PROTOCOL}),
    "settings on a stream": ([_of(4, 1, b"")], {PROTOCOL}),
    "settings of five bytes": ([_of(4, 0, b"12345")], {SIZE, PROTOCOL}),
    "too large an initial window": ([SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: 2**31})],
                                    {ErrorCodes.FLOW_CONTROL_ERROR}),
    "too small a largest frame": ([SettingsFrame(0, {SettingsFrame.MAX_FRAME_SIZE: 1})], {PROTOCOL}),
    "a window of nothing": ([_of(8, 0, b"\0\0\0\0")], {PROTOCOL}),
    "a window beyond all": ([WindowUpdateFrame(0, 2**31 - 1)], {ErrorCodes.FLOW_CONTROL_ERROR}),
    "too many streams": ([head(1 + 2 * number) for number in range(STREAMS + 1)], {PROTOCOL, REFUSED}),
    "a frame of megabytes": ([_of(0, 1, b"x" * 10_000_000)[:200_000]], {CALM}),
    "HTTP/1.1": ([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"x" * 200_000], {CALM}),
    "too large a head": ([HeadersFrame(1, b"\0\1a\x7f\x81\xd0\x0f" + b"x" * 16_370),
                          *[ContinuationFrame(1, b"x" * 16_384)] * 20], {CALM, PROTOCOL}),
    "a bomb": ([HeadersFrame(1, b"\x40\1a\x7f\xa1\x1e" + b"x" * 4_000 + b"\xbe" * 9_000, flags=["END_HEADERS"])],
               {CALM}),
}  # fmt: skip
"""What is no HTTP/2, and what the GOAWAY may say (RFC 9113, 5 and 6; where that is stricter, h2 decides)."""

FLOODS: dict[str, Callable[[int], list[Frame]]] = {
    "asked and reset": lambda n: [head(2 * n + 1, "END_STREAM", fields=asking()), RstStreamFrame(2 * n + 1, CANCEL)],
    "pings": lambda n: [PingFrame(0, n.to_bytes(8, "big"))],
    "settings": lambda _: [SettingsFrame(0)],
    "priorities": lambda n: [PriorityFrame(2 * n + 1)],
    "windows": lambda _: [WindowUpdateFrame(0, 1)],
    "data of nothing": lambda n: [head(1)] if n == 0 else [DataFrame(1, b"")],
    "frames of no kind": lambda _: [Frame.parse_frame_header(memoryview(_of(200, 0, b"")))[0]],
}
"""Frames that ask for nothing or are taken back, each by its number."""
