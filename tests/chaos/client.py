"""A REST client that knows what an answer promises, and what the lack of one does not."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tests.chaos.history import Attempt, History, Outcome, Verb

TIMEOUT_SECONDS = 15.0
"""Longer than the gateway takes for any answer (REQUEST_TIMEOUT, 10 s)."""
REPEATS = 3
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `said` is the status, or the name of the error when there was none."""

    outcome: Outcome
    said: str
    body: Json = field(default_factory=dict)
    etag: str = ""

    @property
    def acknowledged(self) -> bool:
        """Whether the write has happened."""
        return self.outcome is Outcome.ACKNOWLEDGED


class Client:
    """Sends writes and records each attempt.

    A write with a key is sent again, `pause` seconds later, while its outcome is unknown, and all of it is one attempt.
    Nothing else is sent twice.
    """

    def __init__(self, http: httpx.AsyncClient, history: History, pause: float = 1.0) -> None:
        self._http, self._history, self._pause = http, history, pause

    async def write(
        self,
        verb: Verb,
        method: str,
        path: str,
        *,
        subject: str = "",
        marker: str = "",
        body: Json | None = None,
        token: str = "",
        etag: str = "",
        key: str = "",
    ) -> Answer:
        """Try a write of the aggregate `subject` that is recognised by `marker`."""
        began = time.monotonic()
        conditions = {"if-match": etag, "idempotency-key": key}
        headers = _bearer(token) | {name: value for name, value in conditions.items() if value}
        answer = await self._asked(method, path, body, headers)
        for _ in range(REPEATS if key else 0):
            if answer.outcome is not Outcome.UNKNOWN:
                break
            await asyncio.sleep(self._pause)
            answer = _after_unknown(await self._asked(method, path, body, headers))
        subject = subject or _subject(verb, answer.body)
        self._history.add(Attempt(verb, subject, marker, began, time.monotonic(), answer.outcome, answer.said))
        return answer

    async def read(self, path: str, token: str, query: Mapping[str, int]) -> Json:
        """What a read answers; nothing when it cannot be had now."""
        try:
            answer = await self._http.get(f"/api/v1{path}", params=dict(query), headers=_bearer(token))
        except httpx.TransportError:
            return {}
        return _body(answer) if answer.is_success else {}

    async def _asked(self, method: str, path: str, body: Json | None, headers: dict[str, str]) -> Answer:
        try:
            answer = await self._http.request(method, f"/api/v1{path}", json=body, headers=headers)
        except httpx.TransportError as error:
            never = isinstance(error, _NEVER_LEFT)
            return Answer(Outcome.REFUSED if never else Outcome.UNKNOWN, type(error).__name__)
        return Answer(_outcome(answer), str(answer.status_code), _body(answer), answer.headers.get("etag", ""))


def _after_unknown(answer: Answer) -> Answer:
    """That a repeat was refused says nothing of the request before it."""
    return answer if answer.acknowledged else replace(answer, outcome=Outcome.UNKNOWN)


def session_of(token: str) -> str:
    """The session of an access token: its claim `sid`."""
    claims = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sid"])


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def _outcome(answer: httpx.Response) -> Outcome:
    if answer.is_success:
        return Outcome.ACKNOWLEDGED
    return Outcome.REFUSED if answer.is_client_error else Outcome.UNKNOWN


def _body(answer: httpx.Response) -> Json:
    body: Json = answer.json() if answer.content else {}
    return body


def _subject(verb: Verb, body: Json) -> str:
    """The id that an answer tells of what was created; empty when it tells none."""
    match verb:
        case Verb.REGISTER:
            return str(body.get("user", {}).get("id", ""))
        case Verb.LOGIN:
            return session_of(body["accessToken"]) if "accessToken" in body else ""
        case _:
            return str(body.get("id", ""))
