"""Counters in Redis, which several gateways share."""

import asyncio
from typing import Any, cast

import structlog
from limits.aio.storage import RedisStorage
from limits.errors import StorageError
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chassis.background import Background

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 1.0
"""How long Redis is left alone between two tries to find it again."""
_CONNECTIONS = 16
_KEYS = "primetrade:limits"


class Away(Exception):
    """Redis does not answer."""


class SharedCounters(Background):
    """Component: counts in the Redis of that URL.

    When Redis fails, or lets a call wait for `patience` seconds, it is away: no call waits for it until a task in the
    background has seen it count again. Both are logged, each once.
    """

    name = "shared-counters"

    def __init__(self, url: str, patience: float) -> None:
        self._patience = patience
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=patience,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),
        )
        options = {"connection_pool": self._pool}
        self._storage = RedisStorage(
            "async+redis://", wrap_exceptions=True, implementation="redispy", key_prefix=_KEYS, **cast(Any, options)
        )
        self._away = asyncio.Event()

    async def __aexit__(self, *exc: object) -> None:
        await super().__aexit__(*exc)
        await self._pool.aclose()

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount`, which may be negative, and return the count; a new one is kept `expiry` seconds.

        Raises Away.
        """
        if self._away.is_set():
            raise Away
        try:
            return await self._asked(key, expiry, amount)
        except (StorageError, OSError) as error:
            if not self._away.is_set():
                self._away.set()
                cause = error.storage_error if isinstance(error, StorageError) else error
                log.warning("limits_not_shared", error=f"{type(cause).__name__}: {cause}".rstrip(": "))
            raise Away from error

    async def _asked(self, key: str, expiry: int, amount: int) -> int:
        async with asyncio.timeout(self._patience):
            return await self._storage.incr(key, expiry, amount)

    async def _run(self) -> None:
        while True:
            await self._away.wait()
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                await self._asked("probe", 60, 0)
            except (StorageError, OSError):
                continue
            self._away.clear()
            log.info("limits_shared_again")
