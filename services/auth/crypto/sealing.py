"""Secrets at rest: AES-256-GCM (NIST SP 800-38D) under the key-encryption key of the installation."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class CannotOpen(Exception):
    """What was sealed does not open: another key sealed it, or it was changed."""


class Seal:
    """Seals and opens secrets, each bound to the name it is stored under."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, secret: bytes, name: str) -> bytes:
        """The sealed secret: nonce, ciphertext, tag."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """The secret. Raises CannotOpen."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            raise CannotOpen(f"AUTH_KEY_ENCRYPTION_KEY does not open {name}") from None
