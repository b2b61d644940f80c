"""The periodic work of the auth service: keys are rotated by one process and reloaded by each."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from chassis.clock import Clock, SystemClock
from chassis.events.publishing.command import republish
from chassis.events.topics import AUTH
from chassis.mongo import Mongo
from chassis.process import Command
from chassis.schedule import LEASES, Lease, Periodic, holder
from services.auth.crypto.key_ring import KeyRing
from services.auth.crypto.sealing import Seal
from services.auth.domain.signing_key import KeySchedule
from services.auth.settings import Settings, key_bytes
from services.auth.store import signing_keys
from services.auth.store.signing_keys import SigningKeyStore
from services.auth.usecases.rotate_signing_keys import RotateSigningKeys

ROTATE_EVERY = 300.0
# Far less than the shortest lead: a new key is known to every process before it signs.
RELOAD_EVERY = 10.0


def rotation(settings: Settings, mongo: Mongo, clock: Clock) -> RotateSigningKeys:
    """The rotation as the settings want it."""
    return RotateSigningKeys(
        SigningKeyStore(mongo.collection(signing_keys.COLLECTION)),
        Seal(key_bytes(settings.auth_key_encryption_key)),
        KeySchedule(
            signs_for=timedelta(days=settings.signing_key_days),
            published_before=timedelta(seconds=settings.signing_key_lead_seconds),
            token_lifetime=settings.access_token_lifetime,
        ),
        clock,
    )


def periodic(rotate: RotateSigningKeys, ring: KeyRing, mongo: Mongo, clock: Clock) -> Sequence[Periodic]:
    """What runs beside the server."""

    async def run() -> None:
        await rotate()

    lease = Lease(mongo.collection(LEASES), "rotate-keys", holder(), clock)
    return Periodic("rotate-keys", ROTATE_EVERY, run, lease), Periodic("reload-keys", RELOAD_EVERY, ring.reload)


async def rotate_keys_now(settings: Settings) -> None:
    """The command `rotate-keys`: make the next key now and say when it signs."""
    mongo = Mongo(settings, "auth")
    async with mongo:
        key = await rotation(settings, mongo, SystemClock())(now=True)
    if key is None:
        print("another process has just made the next key")
    else:
        print(f"key {key.kid} is published and signs from {key.active_from.isoformat()}")


COMMANDS: Mapping[str, Command[Settings]] = {
    "rotate-keys": rotate_keys_now,
    "republish": republish("auth", [AUTH]),
}
