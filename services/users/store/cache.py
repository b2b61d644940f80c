"""The cache of profiles: five minutes, in process or in Redis, and never older than what this process knows.

Two things keep it fresh. Whoever writes puts the new state in at once; and every process hears every profile event
(services/users/consumers.py) and puts in the state it tells. A state is put only over an older one, and a process does
not take from the cache what is older than the newest it has put there: so a slow reader, a lost put and a cache that
comes back with yesterday's memory cannot bring an old state back.
"""

import asyncio
import json
import time
from collections import OrderedDict
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from cashews import Cache
from cashews.exceptions import CacheError

from chassis.telemetry import metrics
from services.users.domain.profile import Profile

ANSWER_SECONDS = 0.25
"""A cache that takes longer is slower than what it saves."""
PAUSE_SECONDS = 1.0
"""How long a cache that failed is left alone."""
REMEMBERED_VERSIONS = 100_000

_NAME = "profiles"
_KEYS = "primetrade:users:profile:"
log = structlog.get_logger(__name__)


class ProfileCache:
    """Component: kept in process for an empty URL, else in that Redis. Its absence costs time and raises nothing."""

    name = "profile-cache"

    def __init__(self, redis_url: str, seconds: int, size: int) -> None:
        self._seconds = seconds
        self._versions: OrderedDict[UUID, int] = OrderedDict()
        self._away_until = 0.0
        self._cache = Cache()
        if redis_url:
            self._cache.setup(
                redis_url,
                pickle_type="null",
                suppress=False,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
                wait_for_connection_timeout=ANSWER_SECONDS,
            )
        else:
            self._cache.setup("mem://", size=size, check_interval=60)

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        with suppress(Exception):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._cache.close()

    def background(self) -> tuple[()]:
        return ()

    async def clear(self) -> None:
        """Forget everything: the collection behind it was replaced. What is in Redis another minute is stale at most as
        long as it is kept anyway."""
        self._versions.clear()
        with suppress(_Away):
            await self._asked(self._cache.delete_match, f"{_KEYS}*")

    async def find(self, profile_id: UUID) -> Profile | None:
        """The profile when it is here and as new as the newest this process knows."""
        outcome, profile = "miss", None
        try:
            profile = await self._get(profile_id)
        except _Away:
            outcome = "away"
        if profile is not None and profile.version >= self._versions.get(profile_id, 0):
            outcome = "hit"
        else:
            profile = None
        metrics.cache_requests.labels(_NAME, outcome).inc()
        return profile

    async def put(self, profile: Profile) -> None:
        """Keep the profile, unless a newer state of it is known."""
        self._remember(profile)
        if profile.version < self._versions[profile.id]:
            return
        with suppress(_Away):
            kept = await self._get(profile.id)
            if kept is None or kept.version < profile.version:
                await self._set(profile)

    def _remember(self, profile: Profile) -> None:
        known = self._versions.pop(profile.id, 0)
        self._versions[profile.id] = max(known, profile.version)
        if len(self._versions) > REMEMBERED_VERSIONS:
            self._versions.popitem(last=False)

    async def _get(self, profile_id: UUID) -> Profile | None:
        found = await self._asked(self._cache.get, _key(profile_id))
        return _profile(found) if isinstance(found, bytes) else None

    async def _set(self, profile: Profile) -> None:
        await self._asked(self._cache.set, _key(profile.id), _text(profile), expire=self._seconds)

    async def _asked(self, call: Any, *arguments: Any, **options: Any) -> Any:
        """What the cache answers. Raises _Away when it does not, and for a while after."""
        if time.monotonic() < self._away_until:
            raise _Away
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await call(*arguments, **options)
        except (CacheError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + PAUSE_SECONDS
            log.warning("cache_away", cache=_NAME, error=repr(error))
            raise _Away from error


class _Away(Exception):
    """The cache does not answer."""


def _key(profile_id: UUID) -> str:
    return f"{_KEYS}{profile_id}"


def _text(profile: Profile) -> bytes:
    kept = {
        "id": str(profile.id),
        "name": profile.name,
        "email": profile.email,
        "roles": profile.roles,
        "created_at": profile.created_at.isoformat(),
        "updated_at": profile.updated_at.isoformat(),
        "version": profile.version,
    }
    return json.dumps(kept).encode()


def _profile(text: bytes) -> Profile | None:
    """The profile that was kept; None for what another version of this service has kept."""
    try:
        kept = json.loads(text)
        return Profile(
            id=UUID(kept["id"]),
            name=kept["name"],
            email=kept["email"],
            roles=tuple(kept["roles"]),
            created_at=datetime.fromisoformat(kept["created_at"]),
            updated_at=datetime.fromisoformat(kept["updated_at"]),
            version=kept["version"],
        )
    except (ValueError, KeyError, TypeError):
        return None
