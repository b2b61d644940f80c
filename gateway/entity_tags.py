"""Entity tags (RFC 9110, 8.8.3): the version of a resource, and the coding of the very bytes where they have one.

The same version is `"3"` as it is and `"3-gzip"` compressed: two representations, two strong tags. A condition may name
either, since both tell which version the client has.
"""

import re
from collections.abc import Iterator

_OPAQUE = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_TAG = re.compile(_OPAQUE)
_TAGS = re.compile(rf"\s*{_OPAQUE}\s*(?:,\s*{_OPAQUE}\s*)*")
_CODED = re.compile(r"-(?:br|gzip|zstd)\Z")


def coded(etag: bytes, coding: bytes) -> bytes:
    """The tag of the same representation in that coding."""
    return b'%s-%s"' % (etag[:-1], coding)


def version_of(tag: str) -> str:
    """The version that a tag, without its quotes, stands for."""
    return _CODED.sub("", tag)


def strong(given: str) -> str | None:
    """The one tag of a header, without its quotes; empty when it is weak, None when it is no tag."""
    match = _TAG.fullmatch(given.strip())
    return None if match is None else "" if match[1] else match[2]


def tags(given: str) -> Iterator[str]:
    """The tags of a header, without their quotes, weak ones too. What is malformed has none."""
    if _TAGS.fullmatch(given) is not None:
        yield from (match[2] for match in _TAG.finditer(given))
