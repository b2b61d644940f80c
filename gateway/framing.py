"""What a server refuses of a request's head (RFC 9112) and the parser lets through.

Each of these is read in two ways by different programs: what one of them lets pass is how a request is smuggled past
the other.
"""

import re
from collections.abc import Sequence

from chassis.errors import Unreadable
from chassis.problem import TABLE, Problem, Row

HEAD_TOO_LARGE = Row(431, "headers-too-large", "The headers are too large")
NOT_IMPLEMENTED = Row(501, "not-implemented", "This is not known here")

_VERSIONS = ("1.1", "1.0")
HOST = re.compile(rb"(?:[A-Za-z0-9._~%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
"""A name or an address, with or without a port (RFC 9110, 7.2)."""
_TARGET = re.compile(rb"(?:https?://[^/?#@]+)?/[^#]*|\*", re.IGNORECASE)
"""Origin-form, absolute-form or asterisk-form, none with a fragment or with a name and a password (RFC 9112, 3.2)."""


def fault_of(
    version: str, method: bytes, target: bytes, headers: Sequence[tuple[bytes, bytes]], most_headers: int
) -> Problem | None:
    """Why a head that could be parsed is refused; None when it is in order. Header names are in lower case."""
    if version not in _VERSIONS:
        return unreadable(f"HTTP/{version} is not spoken here")
    if len(headers) > most_headers:
        return Problem(HEAD_TOO_LARGE, f"A request may have at most {most_headers} headers.")
    if _TARGET.fullmatch(target) is None or (target == b"*" and method != b"OPTIONS"):
        return unreadable("its target is neither a path nor an http or https URL")
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1") or (hosts and HOST.fullmatch(hosts[0]) is None):
        return unreadable("it must have one Host, a name or an address with or without a port")
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if codings and version == "1.0":
        return unreadable("HTTP/1.0 has no Transfer-Encoding")
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked"):
        return Problem(NOT_IMPLEMENTED, "No Transfer-Encoding but chunked is known here.")
    return None


def unreadable(why: str, protocol: str = "HTTP/1.1") -> Problem:
    """The problem of what is not HTTP as RFC 9112, or RFC 9113, has it."""
    return Problem(TABLE[Unreadable], f"the request is not {protocol}: {why}")
