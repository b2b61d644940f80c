"""A token for whoever runs the suite: `OPERATOR_NAME=ada python -m services.auth operator-token`."""

import sys

from chassis.clock import SystemClock
from chassis.identity import OPERATOR_ROLE
from chassis.mongo import Mongo
from chassis.telemetry.logs import configure_logs
from services.auth.crypto.access_tokens import AccessTokens
from services.auth.crypto.key_ring import KeyRing
from services.auth.jobs import rotation
from services.auth.settings import Settings


async def operator_token(settings: Settings) -> None:
    """Print an access token with the role `operator`, valid as long as any other; everything else goes to stderr.

    It takes auth's database and key-encryption key, by which any token could be signed: it gives nothing away.
    """
    configure_logs("auth", settings.log_level, sys.stderr)
    clock, mongo = SystemClock(), Mongo(settings, "auth")
    rotate = rotation(settings, mongo, clock)
    keys = KeyRing(rotate.keys, rotate.seal, rotate.schedule, clock)
    tokens = AccessTokens(keys, settings.token_issuer, settings.token_audience, settings.access_token_lifetime)
    subject = f"operator:{settings.operator_name}"
    async with mongo, keys:
        print(tokens.issue(subject, subject, [OPERATOR_ROLE], clock.now()).text)
