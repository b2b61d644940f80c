"""The signing keys in memory: made at the first start, opened with the key-encryption key, kept up to date."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chassis.clock import Clock
from chassis.errors import AlreadyExists
from services.auth.crypto.sealing import Seal
from services.auth.domain.signing_key import KeySchedule, SigningKey, thumbprint
from services.auth.store.signing_keys import SigningKeyStore


def make_signing_key(seal: Seal, generation: int, active_from: datetime) -> SigningKey:
    """A new key pair, its private half sealed under its id."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    sealed = seal.close(private.private_bytes_raw(), _name(thumbprint(public)))
    return SigningKey(generation, public, sealed, active_from)


class KeyRing:
    """Component, and the KeySet of this process: entering makes the first key when there is none.

    Two processes that start at once agree on one: the generation is the key's identity, and only one can insert it.
    Raises CannotOpen when the key-encryption key is not the one that sealed the keys.
    """

    name = "signing-keys"

    def __init__(self, store: SigningKeyStore, seal: Seal, schedule: KeySchedule, clock: Clock) -> None:
        self._store, self._seal, self._schedule, self._clock = store, seal, schedule, clock
        self._keys: Sequence[SigningKey] = ()
        self._private: Mapping[str, Ed25519PrivateKey] = {}

    async def __aenter__(self) -> None:
        await self.reload()
        if not self._keys:
            with contextlib.suppress(AlreadyExists):
                # Already signing a little ago: the clocks of replicas that start at once may differ.
                active_from = self._clock.now() - timedelta(minutes=1)
                await self._store.insert(make_signing_key(self._seal, 1, active_from))
            await self.reload()

    async def __aexit__(self, *_: object) -> None:
        self._keys, self._private = (), {}

    def background(self) -> tuple[()]:
        return ()

    async def reload(self) -> None:
        """Take over the keys that other processes made."""
        keys = await self._store.all()
        opened = {key.kid: self._private.get(key.kid) or self._open(key) for key in keys}
        self._keys, self._private = keys, opened

    def signing(self) -> tuple[str, Ed25519PrivateKey]:
        """The key that signs now, with its id."""
        kid = self._schedule.signing(self._keys, self._clock.now()).kid
        return kid, self._private[kid]

    def published(self) -> list[SigningKey]:
        """The keys that verify tokens now."""
        return self._schedule.published(self._keys, self._clock.now())

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """As chassis.tokens.KeySet wants it."""
        published = {key.kid for key in self.published()}
        return self._private[kid].public_key() if kid in published else None

    def _open(self, key: SigningKey) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._seal.open(key.sealed, _name(key.kid)))


def _name(kid: str) -> str:
    return f"signing key {kid}"
