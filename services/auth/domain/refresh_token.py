"""Refresh tokens: opaque, 256 secret bits, each derived from the one before.

The successor is an HMAC of the token under a server key. So the twins of a concurrent refresh get the same successor
without its being stored, and a token of any earlier generation is recognised by walking from it to the current one.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from uuid import UUID

SECRET_BYTES = 32
_ID_BYTES = 16
_TEXT_LENGTH = (_ID_BYTES + SECRET_BYTES) * 4 // 3


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A session's id and a secret. The id is only for finding the session; it opens nothing."""

    session_id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "RefreshToken | None":
        """The token of a text that may have come from anybody; None when it cannot be one."""
        if len(text) != _TEXT_LENGTH or not text.isascii():
            return None
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        return cls(UUID(bytes=raw[:_ID_BYTES]), raw[_ID_BYTES:])

    @property
    def text(self) -> str:
        """What the client holds: base64url."""
        return base64.urlsafe_b64encode(self.session_id.bytes + self.secret).decode()

    def digest(self) -> bytes:
        """What is stored of it (SHA-256; 256 random bits need no slow hash)."""
        return hashlib.sha256(self.secret).digest()

    def matches(self, digest: bytes) -> bool:
        """Whether that is its digest, compared in constant time."""
        return hmac.compare_digest(self.digest(), digest)

    def successor(self, key: bytes) -> "RefreshToken":
        """The one token that replaces it."""
        message = self.session_id.bytes + self.secret
        return RefreshToken(self.session_id, hmac.digest(key, message, "sha256"))
