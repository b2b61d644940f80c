"""The check of an access token, alone, in this process: by its signature, and found among those already checked."""

import time
from collections.abc import Mapping
from functools import partial
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from benchmarks.rounds import Arm, Figures
from chassis.clock import SystemClock
from chassis.testing.issuer import Issuer
from chassis.tokens import TokenVerifier

NEW, KNOWN = "a token not met before", "the same token again"
CPU = "CPU-µs/token"


class _Keys:
    def __init__(self, issuer: Issuer) -> None:
        self._kid, self._key = issuer.kid, issuer.key.public_key()

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        return self._key if kid == self._kid else None


def arms(tokens: int) -> Mapping[str, Arm]:
    """Both arms, with so many tokens a round."""
    issuer = Issuer()
    return {NEW: partial(_measured, issuer, tokens, new=True), KNOWN: partial(_measured, issuer, tokens, new=False)}


async def _measured(issuer: Issuer, tokens: int, *, new: bool) -> Figures:
    verifier = TokenVerifier(_Keys(issuer), issuer.issuer, issuer.audience, SystemClock())
    known = issuer.token(str(uuid4()))
    await verifier.verify(known)
    asked = [issuer.token(str(uuid4())) for _ in range(tokens)] if new else [known] * (tokens * 10)
    cpu = time.process_time()
    for token in asked:
        await verifier.verify(token)
    return {CPU: (time.process_time() - cpu) / len(asked) * 1e6}
