"""Rotate the signing keys: make the next one ahead of its time, forget those that no token needs."""

from dataclasses import dataclass

from chassis.clock import Clock
from chassis.errors import AlreadyExists
from services.auth.crypto.key_ring import make_signing_key
from services.auth.crypto.sealing import Seal
from services.auth.domain.signing_key import KeySchedule, SigningKey
from services.auth.store.signing_keys import SigningKeyStore


@dataclass(frozen=True, slots=True)
class RotateSigningKeys:
    """Safe when two do it at once: one makes the next generation, the other finds it made."""

    keys: SigningKeyStore
    seal: Seal
    schedule: KeySchedule
    clock: Clock

    async def __call__(self, *, now: bool = False) -> SigningKey | None:
        """Make the next key when it is due, or whether or not it is with `now`; the new key, or None.

        It is published at once and signs after `schedule.published_before`: every verifier knows it by then.
        """
        at, keys = self.clock.now(), await self.keys.all()
        published = {key.generation for key in self.schedule.published(keys, at)}
        await self.keys.delete([key.generation for key in keys if key.generation not in published])
        if keys and not now and not self.schedule.due(keys, at):
            return None
        generation = keys[-1].generation + 1 if keys else 1
        key = make_signing_key(self.seal, generation, at + self.schedule.published_before)
        try:
            await self.keys.insert(key)
        except AlreadyExists:
            return None
        return key
