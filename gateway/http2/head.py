"""The fields of a request in HTTP/2: what they ask, and why they are refused (RFC 9113, 8.2 and 8.3)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from h2.exceptions import ProtocolError
from h2.utilities import HeaderValidationFlags, validate_headers

from chassis.problem import Problem
from gateway.connection import Limits
from gateway.framing import HEAD_TOO_LARGE, HOST, unreadable
from gateway.middleware.refusal import REFUSAL

Fields = Sequence[tuple[bytes, bytes]]

_REQUEST = HeaderValidationFlags(is_client=False, is_trailer=False, is_response_header=False, is_push_promise=False)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t -~\x80-\xff]*")
_PATH = re.compile(rb"/[!\"$-~]*")
"""Origin-form: no fragment, nothing that is not ASCII, as the parser of HTTP/1.1 has it."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request as HTTP/1.1 would have said it: what the application knows."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]

    @property
    def awaits_continue(self) -> bool:
        """Whether the client waits for 100 before it sends the body (RFC 9110, 10.1.1)."""
        return any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.headers)


def head_of(fields: Fields) -> Head:
    """What the fields ask, whether or not they may. The authority is the Host."""
    said = {name: value for name, value in reversed(fields) if name.startswith(b":")}
    headers = [(name, value) for name, value in fields if not name.startswith(b":")]
    if b":authority" in said and all(name != b"host" for name, _ in headers):
        headers.insert(0, (b"host", said[b":authority"]))
    return Head(said.get(b":method", b""), said.get(b":path", b""), headers)


def scope_of(head: Head, problem: Problem | None) -> dict[str, Any]:
    """What the application is told of the head; with a problem, no more than it takes to say that."""
    path, _, query = head.target.partition(b"?")
    if problem is not None:
        path, query = path[:1024] if path.startswith(b"/") and path.isascii() else b"", b""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "2",
        "scheme": "http",
        "root_path": "",
        "method": head.method.decode("latin-1"),
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "headers": head.headers if problem is None else [],
    }
    return scope if problem is None else {**scope, REFUSAL: problem}


def fault_of(fields: Fields, head: Head, ended: bool, limits: Limits) -> Problem | None:
    """Why the request is refused; None when it is in order. `ended` says that no body follows."""
    if sum(len(name) + len(value) + 4 for name, value in fields) > limits.size:
        return Problem(HEAD_TOO_LARGE, f"The headers may have at most {limits.size} bytes together.")
    if len(head.headers) > limits.count:
        return Problem(HEAD_TOO_LARGE, f"A request may have at most {limits.count} headers.")
    try:
        for _ in validate_headers(fields, _REQUEST):
            pass
    except ProtocolError:  # what it says repeats the fields, and they may hold a token
        return _unreadable("its fields break the rules of RFC 9113, 8.2 and 8.3")
    if not all(_TOKEN.fullmatch(name) and _VALUE.fullmatch(value) for name, value in head.headers):
        return _unreadable("a field has a character that none may have")
    if not _TOKEN.fullmatch(head.method):
        return _unreadable("its method is none")
    if not _PATH.fullmatch(head.target) and (head.method, head.target) != (b"OPTIONS", b"*"):
        return _unreadable("its :path is not a path")
    if not all(HOST.fullmatch(value) for name, value in head.headers if name == b"host"):
        return _unreadable("its :authority or Host must be a name or an address, with or without a port")
    lengths = [value for name, value in head.headers if name == b"content-length"]
    if len(lengths) > 1 or (ended and lengths not in ([], [b"0"])):
        return _unreadable("its Content-Length is not that of its body")
    return None


def _unreadable(why: str) -> Problem:
    return unreadable(why, "HTTP/2")
