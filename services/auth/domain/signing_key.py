"""The keys that sign access tokens: which one signs, which ones are published, when the next one is due."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

CLOCKS_DIFFER = timedelta(minutes=1)
"""How much longer than its last token a replaced key stays published: the verifiers' clocks are not ours."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key pair; the private half is sealed. Generations are 1, 2, 3, …; each replaces the one before."""

    generation: int
    public: bytes
    sealed: bytes = field(repr=False)
    active_from: datetime

    @property
    def x(self) -> str:
        """The public key as a JWK has it (RFC 8037, 2): base64url without padding."""
        return _base64url(self.public)

    @property
    def kid(self) -> str:
        """The key's id: its RFC 7638 thumbprint."""
        return thumbprint(self.public)


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """How long a key signs, how long it is published before, and how long a token it signed is valid."""

    signs_for: timedelta
    published_before: timedelta
    token_lifetime: timedelta

    def signing(self, keys: Sequence[SigningKey], at: datetime) -> SigningKey:
        """The newest key whose time has come. `keys` are in order of generation, and not empty."""
        active = [key for key in keys if key.active_from <= at]
        return active[-1] if active else keys[0]

    def published(self, keys: Sequence[SigningKey], at: datetime) -> list[SigningKey]:
        """The keys that verify tokens: all but those whose last token has expired."""
        successors: list[SigningKey | None] = [*keys[1:], None]
        keep = self.token_lifetime + CLOCKS_DIFFER
        return [
            key
            for key, successor in zip(keys, successors, strict=True)
            if successor is None or at < successor.active_from + keep
        ]

    def due(self, keys: Sequence[SigningKey], at: datetime) -> bool:
        """Whether it is time to make the next key, so that it is published when the newest has signed long enough."""
        return at >= keys[-1].active_from + self.signs_for - self.published_before


def thumbprint(public: bytes) -> str:
    """The RFC 7638 thumbprint of an Ed25519 public key (RFC 8037, appendix A.3)."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
