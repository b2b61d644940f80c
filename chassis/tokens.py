"""Access tokens: JWT (RFC 7519) signed with Ed25519 (RFC 8037), verified by every process that receives one.

The algorithm, the issuer and the audience are pinned; the verified claims are kept by the token's hash until they
expire, bounded, so that a person's second request costs no signature check.
"""

import asyncio
import base64
import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chassis.background import Background
from chassis.clock import Clock
from chassis.errors import Error, Unauthenticated, Unavailable
from chassis.identity import Principal
from chassis.process import ready

log = structlog.get_logger(__name__)

ALGORITHM = "EdDSA"
LEEWAY_SECONDS = 5
CACHED_TOKENS = 10_000
_REQUIRED = ["exp", "iat", "sub", "sid", "jti", "iss", "aud"]


class KeySet(Protocol):
    """The public keys of the issuer."""

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key of that id; None when the issuer has none. Raises Unavailable when the keys are not known."""
        ...


class TokenVerifier:
    """Turns an access token into the principal it names."""

    def __init__(self, keys: KeySet, issuer: str, audience: str, clock: Clock) -> None:
        self._keys, self._issuer, self._audience, self._clock = keys, issuer, audience, clock
        self._verified: OrderedDict[bytes, Principal] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """The principal of a valid token. Raises Unauthenticated, saying no more than whether it has expired."""
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        principal = self._verified.get(digest)
        if principal is not None and principal.expires_at > self._clock.now():
            return principal
        principal = await self._check(token)
        self._verified[digest] = principal
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return principal

    async def _check(self, token: str) -> Principal:
        try:
            header = jwt.get_unverified_header(token)
            key = await self._keys.find(str(header.get("kid", ""))) if header.get("alg") == ALGORITHM else None
            if key is None:
                raise Unauthenticated("the access token is not valid")
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            principal = _principal(claims, token)
        except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError, OSError):
            raise Unauthenticated("the access token is not valid") from None
        if principal.expires_at <= self._clock.now():
            raise Unauthenticated("the access token has expired")
        return principal


def _principal(claims: Mapping[str, Any], token: str) -> Principal:
    roles = claims.get("roles", [])
    if not isinstance(claims["sub"], str) or not isinstance(claims["sid"], str) or not isinstance(roles, list):
        raise TypeError("a claim has the wrong type")
    return Principal(
        subject=claims["sub"],
        session=claims["sid"],
        roles=frozenset(str(role) for role in roles),
        scope=frozenset(str(claims.get("scope", "")).split()),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        token=token,
    )


def public_key(x: str) -> Ed25519PublicKey:
    """The key of a JWK's `x` member. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))


class RemoteKeys(Background):
    """Component: the issuer's keys, fetched at start, every five minutes, and when a token names an unknown one.

    Keeps serving from the last good set while the issuer is away. With `patience` None the process starts without
    keys and verification is Unavailable until they arrive; else entering waits that many seconds for them.
    """

    name = "keys"

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Mapping[str, str]]],
        patience: float | None,
        every: float = 300.0,
        unknown_every: float = 5.0,
    ) -> None:
        self._fetch, self._patience = fetch, patience
        self._every, self._unknown_every = every, unknown_every
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._asked = asyncio.Lock()
        self._asked_at = float("-inf")

    @property
    def known(self) -> bool:
        """Whether there is any key to verify with."""
        return bool(self._keys)

    @property
    def current(self) -> Mapping[str, Ed25519PublicKey]:
        """The last good set, by key id."""
        return self._keys

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        if kid not in self._keys:
            await self._ask_for_unknown()
        if not self._keys:
            raise Unavailable("the signing keys are not known yet")
        return self._keys.get(kid)

    async def __aenter__(self) -> None:
        if self._patience is not None:
            await ready("the signing keys of auth", self._refresh, self._patience)
        await super().__aenter__()

    async def _ask_for_unknown(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._asked:
            if loop.time() - self._asked_at < self._unknown_every:
                return
            self._asked_at = loop.time()
            with contextlib.suppress(Error):
                await self._refresh()

    async def _run(self) -> None:
        pause = self._every if self._keys else 0.0
        while True:
            await asyncio.sleep(pause)
            try:
                await self._refresh()
                pause = self._every
            except Error as error:
                log.warning("keys_not_refreshed", error=str(error))
                pause = 30.0 if self._keys else min(pause * 2 or 0.2, 10.0)

    async def _refresh(self) -> None:
        try:
            self._keys = {kid: public_key(x) for kid, x in (await self._fetch()).items()}
        except ValueError as error:
            raise Unavailable("the issuer gave a key that is none") from error
