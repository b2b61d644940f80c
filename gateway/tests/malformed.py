"""Requests that a server and what stands before it could read differently, and how the gateway answers each of them.

Each is followed by a good request on the same connection. Where the first is refused that one must not be heard: what
is left of a request whose end is in doubt is no request (RFC 9112, 11.2).
"""

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = b'{"email": "a@b.example", "password": "x"}'
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
_LONG = b"x" * 100_000


def _line(line: bytes) -> bytes:
    return line + b"\r\nHost: x\r\n\r\n"


def _with(*headers: bytes) -> bytes:
    return GET + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


def _post(*headers: bytes, body: bytes = b"") -> bytes:
    return POST + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


REFUSED: dict[str, tuple[bytes, int]] = {
    # Where the body ends.
    "a length and chunks": (_post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "chunks and a length": (_post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"), 400),
    "identity and a length": (_post(b"Transfer-Encoding: identity", b"Content-Length: 2", body=b"{}"), 400),
    "two lengths": (_post(b"Content-Length: 5", b"Content-Length: 6"), 400),
    "one length twice": (_post(b"Content-Length: 41", b"Content-Length: 41", body=BODY), 400),
    "a list of lengths": (_post(b"Content-Length: 5, 5"), 400),
    "a negative length": (_post(b"Content-Length: -1"), 400),
    "a length with a plus": (_post(b"Content-Length: +5"), 400),
    "a hexadecimal length": (_post(b"Content-Length: 0x5"), 400),
    "a length of letters": (_post(b"Content-Length: five"), 400),
    "a length with a point": (_post(b"Content-Length: 5.0"), 400),
    "a length with an underscore": (_post(b"Content-Length: 1_0"), 400),
    "a length with a space": (_post(b"Content-Length: 1 0"), 400),
    "a length behind a vertical tab": (_post(b"Content-Length: \x0b5"), 400),
    "no length": (_post(b"Content-Length: "), 400),
    "a length beyond 64 bits": (_post(b"Content-Length: 18446744073709551616"), 400),
    "chunks in HTTP/1.0": (CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n", 400),
    "a coding that is not known": (_post(b"Transfer-Encoding: gzip"), 501),
    "gzip in chunks": (_post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 501),
    "chunks in gzip": (_post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"), 400),
    "chunks in chunks": (_post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), 400),
    "chunked said twice": (_post(*[b"Transfer-Encoding: chunked"] * 2, body=b"0\r\n\r\n"), 400),
    "identity": (_post(b"Transfer-Encoding: identity"), 501),
    "identity after chunked": (_post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"), 400),
    "chunked after identity": (
        _post(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        501,
    ),
    "nearly chunked": (_post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 501),
    "more than chunked": (_post(b"Transfer-Encoding: chunkedx", body=b"0\r\n\r\n"), 501),
    "chunked in quotes": (_post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"), 501),
    "chunked with a parameter": (_post(b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"), 501),
    "chunked behind a vertical tab": (_post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), 400),
    "chunked before a hard space": (_post(b"Transfer-Encoding: chunked\xa0", body=b"0\r\n\r\n"), 501),
    "no coding": (_post(b"Transfer-Encoding:"), 400),
    # Chunks.
    "a negative chunk": (CHUNKED + b"-1\r\n", 400),
    "a chunk with a plus": (CHUNKED + b"+1\r\n \r\n0\r\n\r\n", 400),
    "a chunk with 0x": (CHUNKED + b"0x1\r\n \r\n0\r\n\r\n", 400),
    "a chunk beyond 64 bits": (CHUNKED + b"10000000000000000\r\n", 400),
    "a chunk without a size": (CHUNKED + b"\r\n \r\n", 400),
    "a space before a size": (CHUNKED + b" 1\r\n \r\n0\r\n\r\n", 400),
    "a space after a size": (CHUNKED + b"1 \r\n \r\n0\r\n\r\n", 400),
    "a size before a bare LF": (CHUNKED + b"1\n \r\n0\r\n\r\n", 400),
    "a size before a bare CR": (CHUNKED + b"1\rx \r\n0\r\n\r\n", 400),
    "data before a bare LF": (CHUNKED + b"1\r\n \n0\r\n\r\n", 400),
    "a chunk longer than its size": (CHUNKED + b"1\r\nxx\r\n0\r\n\r\n", 400),
    "a chunk shorter than its size": (CHUNKED + b"5\r\nxx\r\n0\r\n\r\n", 400),
    "an extension before a bare LF": (CHUNKED + b"1;a\n \r\n0\r\n\r\n", 400),
    "an extension with a bare CR": (CHUNKED + b"1;a\rb\r\n \r\n0\r\n\r\n", 400),
    "an extension with NUL": (CHUNKED + b"1;\x00\r\n \r\n0\r\n\r\n", 400),
    "more extensions than data": (CHUNKED + (b"1;a=" + b"x" * 10_000 + b"\r\n \r\n") * 100, 400),
    "a last chunk without an end": (CHUNKED + b"0\r\n", 400),
    "a last chunk before a bare LF": (CHUNKED + b"0\r\n\n", 400),
    "a length in a trailer": (CHUNKED + b"0\r\nContent-Length: 50\r\n\r\n", 400),
    "a coding in a trailer": (CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "a folded trailer": (CHUNKED + b"0\r\na: b\r\n c\r\n\r\n", 400),
    # Where a line and a header end.
    "a folded header": (_with(b"A: b", b" c"), 400),
    "a folded coding": (_post(b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n"), 400),
    "a folded length": (_post(b"Content-Length:", b" 5"), 400),
    "a fold before the first header": (b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    "bare LFs": (b"GET /healthz HTTP/1.1\nHost: x\n\n", 400),
    "a request line before a bare LF": (b"GET /healthz HTTP/1.1\nHost: x\r\n\r\n", 400),
    "a header before a bare LF": (_with(b"A: b\nC: d"), 400),
    "a head that ends in a bare LF": (GET + b"\n", 400),
    "a header with a bare CR": (_with(b"A: b\rC: d"), 400),
    "a header before CR CR LF": (_with(b"A: b\r"), 400),
    "bare CRs": (b"GET /healthz HTTP/1.1\rHost: x\r\r", 400),
    "a space before the colon": (_with(b"A : b"), 400),
    "a coding with a space before the colon": (_post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"), 400),
    "a tab before the colon": (_with(b"A\t: b"), 400),
    "a space in a name": (_with(b"A B: c"), 400),
    "no colon": (_with(b"Nonsense"), 400),
    "no name": (_with(b": b"), 400),
    "NUL in a name": (_with(b"A\x00: b"), 400),
    "a name that is not ASCII": (_with(b"\xe9: b"), 400),
    "a name with a parenthesis": (_with(b"A(b): c"), 400),
    "NUL in a value": (_with(b"A: b\x00c"), 400),
    "a control character in a value": (_with(b"A: b\x1bc"), 400),
    "DEL in a value": (_with(b"A: b\x7fc"), 400),
    # Versions and other protocols.
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", 400),
    "HTTP/0.9 by name": (_line(b"GET /healthz HTTP/0.9"), 400),
    "HTTP/1.2": (_line(b"GET /healthz HTTP/1.2"), 400),
    "HTTP/1.10": (_line(b"GET /healthz HTTP/1.10"), 400),
    "HTTP/1,1": (_line(b"GET /healthz HTTP/1,1"), 400),
    "HTTP/2.0": (_line(b"GET /healthz HTTP/2.0"), 400),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a small version": (_line(b"GET /healthz http/1.1"), 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00", 400),
    "the PROXY protocol": (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + _with(), 400),
    "every byte": (bytes(range(256)), 400),
    # The request line.
    "tabs in the request line": (_line(b"GET\t/healthz\tHTTP/1.1"), 400),
    "a space before the request line": (_line(b" GET /healthz HTTP/1.1"), 400),
    "a space after the request line": (_line(b"GET /healthz HTTP/1.1 "), 400),
    "a space in the target": (_line(b"GET /heal thz HTTP/1.1"), 400),
    "NUL in the target": (_line(b"GET /heal\x00thz HTTP/1.1"), 400),
    "a control character in the target": (_line(b"GET /heal\x01thz HTTP/1.1"), 400),
    "raw UTF-8 in the target": (_line("GET /healthz/é HTTP/1.1".encode()), 400),
    "a fragment in the target": (_line(b"GET /healthz#x HTTP/1.1"), 400),
    "a target without a slash": (_line(b"GET healthz HTTP/1.1"), 400),
    "a target that is a query": (_line(b"GET ?x HTTP/1.1"), 400),
    "a target that is an authority": (_line(b"GET x:80 HTTP/1.1"), 400),
    "a target of another scheme": (_line(b"GET ftp://x/healthz HTTP/1.1"), 400),
    "a target with a password": (_line(b"GET http://u:p@x/healthz HTTP/1.1"), 400),
    "a target without an authority": (_line(b"GET http:///healthz HTTP/1.1"), 400),
    "an asterisk": (_line(b"GET * HTTP/1.1"), 400),
    "a tunnel": (_line(b"CONNECT x:80 HTTP/1.1"), 400),
    "a tunnel to a path": (_line(b"CONNECT /healthz HTTP/1.1"), 405),
    "a method with a colon": (_line(b"GET: /healthz HTTP/1.1"), 400),
    "a method with a control character": (_line(b"G\x01T /healthz HTTP/1.1"), 400),
    "an overlong method": (_line(_LONG + b" /healthz HTTP/1.1"), 400),
    "an overlong target": (_line(b"GET /" + _LONG + b" HTTP/1.1"), 431),
    "an overlong name": (_with(_LONG + b": a"), 431),
    "an overlong value": (_with(b"A: " + _LONG), 431),
    "too many headers": (_with(*[b"A: a"] * 100), 431),
    # Host.
    "no Host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (_with(b"Host: y"), 400),
    "one Host twice": (_with(b"Host: x"), 400),
    "two Hosts in HTTP/1.0": (b"GET /healthz HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", 400),
    "a list of Hosts": (b"GET /healthz HTTP/1.1\r\nHost: x, y\r\n\r\n", 400),
    "a Host with a path": (b"GET /healthz HTTP/1.1\r\nHost: x/y\r\n\r\n", 400),
    "a Host with a name before it": (b"GET /healthz HTTP/1.1\r\nHost: u@x\r\n\r\n", 400),
    "a Host with a port of letters": (b"GET /healthz HTTP/1.1\r\nHost: x:http\r\n\r\n", 400),
    # Well read, and the last request of its connection.
    "an offer of h2c": (_with(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA"), 200),
    "an offer of a websocket": (
        _with(b"Connection: Upgrade", b"Upgrade: websocket"),
        200,
    ),
    "a close": (_with(b"Connection: close"), 200),
    "HTTP/1.0": (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
}
"""The request, and the one answer before the connection is closed."""

READ: dict[str, tuple[bytes, list[int]]] = {
    "a good request": (_with(), [200]),
    "an empty line before it": (b"\r\n" + _with(), [200]),
    "an empty Host": (b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", [200]),
    "a Host with an address": (b"GET /healthz HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", [200]),
    "a target that is a URL": (_line(b"GET http://elsewhere/healthz HTTP/1.1"), [200]),
    "a length with an underscore in its name": (_with(b"Content_Length: 500"), [200]),
    "a value beyond ASCII": (_with(b"A: \xff"), [200]),
    "a length between tabs": (_post(b"Content-Length:\t41\t", body=BODY), [200]),
    "a coding in capitals": (_post(b"Transfer-Encoding: CHUNKED", body=b"29\r\n" + BODY + b"\r\n0\r\n\r\n"), [200]),
    "an extension": (CHUNKED + b"29;a=b\r\n" + BODY + b"\r\n0\r\n\r\n", [200]),
    "a trailer": (CHUNKED + b"29\r\n" + BODY + b"\r\n0\r\na: b\r\n\r\n", [200]),
    "a length that Connection names": (_post(b"Connection: content-length", b"Content-Length: 41", body=BODY), [200]),
    "a body that is awaited": (_post(b"Expect: 100-continue", b"Content-Length: 41", body=BODY), [100, 200]),
    "an expectation that is not known": (_post(b"Expect: 200-ok", b"Content-Length: 41", body=BODY), [200]),
    "TRACE": (_line(b"TRACE /healthz HTTP/1.1"), [405]),
    "dots in the path": (_line(b"GET /docs/../healthz HTTP/1.1"), [404]),
    "two slashes in the path": (_line(b"GET //healthz HTTP/1.1"), [404]),
    "no percent-encoding": (_line(b"GET /healthz%zz HTTP/1.1"), [404]),
}
"""What can be read in one way only: the answers before that of the request that follows."""
