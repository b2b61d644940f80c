"""Callers at addresses of their own, and a clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx

TASKS = "/api/v1/tasks"
LOGIN = "/api/v1/auth/login"
CREDENTIALS = {"email": "ada@example.com", "password": "correct horse battery"}
_numbers = count(1)


class StoppedClock:
    """Begins tomorrow, so that what has expired by the real one has so here; and at a whole second, so that a test can
    meet the very end of a window."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)

    def now(self) -> datetime:
        return self._now

    def move(self, **duration: float) -> None:
        self._now += timedelta(**duration)


class Caller:
    """Somebody behind a proxy on this machine, with an address that nobody had before."""

    def __init__(self, http: httpx.AsyncClient, token: str = "", address: str = "") -> None:
        self.http, self.token = http, token
        number = next(_numbers)
        self.address = address or f"198.51.{number // 256}.{number % 256}"

    async def ask(self, method: str = "GET", path: str = TASKS, **options: Any) -> httpx.Response:
        headers = {"x-forwarded-for": self.address, **options.pop("headers", {})}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        return await self.http.request(method, path, headers=headers, **options)

    async def login(self, **options: Any) -> httpx.Response:
        return await self.ask("POST", LOGIN, **{"json": CREDENTIALS, **options})


def told(response: httpx.Response) -> tuple[int, int, str]:
    """What an answer tells of the limits: requests in a window, how many are left, and by which policies."""
    headers = response.headers
    return int(headers["ratelimit-limit"]), int(headers["ratelimit-remaining"]), headers["ratelimit-policy"]


def reset(response: httpx.Response) -> int:
    """In how many seconds the quota is whole."""
    return int(response.headers["ratelimit-reset"])
