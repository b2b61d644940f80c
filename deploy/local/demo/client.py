"""A REST client of the suite that behaves: few requests at once, waits when told to, repeats writes safely."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import httpx

AT_ONCE = 8
ATTEMPTS = 8
MAX_WAIT_SECONDS = 10.0

Document = dict[str, Any]
Query = Mapping[str, str | int]


class Unexpected(Exception):
    """The suite answered something else than it promises."""


class Api:
    """The API for one person, or for nobody yet."""

    def __init__(self, http: httpx.AsyncClient, token: str = "", limit: asyncio.Semaphore | None = None) -> None:
        self._http, self._token = http, token
        self._limit = limit or asyncio.Semaphore(AT_ONCE)

    def signed_in(self, token: str) -> "Api":
        """The same API for the person of that token."""
        return Api(self._http, token, self._limit)

    async def get(self, path: str, query: Query | None = None) -> Document:
        """A document. Raises Unexpected unless it is there."""
        return _document(await self.send("GET", path, 200, query=query))

    async def post(self, path: str, body: Document | None = None, status: int = 201) -> Document:
        """What the write answers. Raises Unexpected for another status."""
        return _document(await self.send("POST", path, status, body=body))

    async def patch(self, path: str, body: Document) -> Document:
        """The document after the change. Raises Unexpected unless it was changed."""
        return _document(await self.send("PATCH", path, 200, body=body))

    async def delete(self, path: str) -> None:
        """Raises Unexpected unless it was deleted."""
        await self.send("DELETE", path, 204)

    async def pages(self, path: str, query: Query, items: str) -> AsyncIterator[Document]:
        """Every item of a list, by cursor."""
        token = ""
        while True:
            page = await self.get(path, {**query, **({"pageToken": token} if token else {})})
            for item in page[items]:
                yield item
            if not (token := page.get("nextPageToken") or ""):
                return

    async def send(
        self, method: str, path: str, status: int, *, body: Document | None = None, query: Query | None = None
    ) -> httpx.Response:
        """The answer, which has that status. Waits and repeats when the suite says 429 or 503. Raises Unexpected."""
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        if method == "POST":
            headers["idempotency-key"] = str(uuid4())  # a repeated request creates nothing twice
        for attempt in range(1, ATTEMPTS + 1):
            async with self._limit:
                answer = await self._http.request(method, f"/api/v1{path}", json=body, params=query, headers=headers)
            if answer.status_code not in (429, 503) or attempt == ATTEMPTS:
                break
            await asyncio.sleep(min(_retry_after(answer), MAX_WAIT_SECONDS))
        if answer.status_code != status:
            raise Unexpected(f"{method} {path}: {answer.status_code} instead of {status}: {answer.text[:500]}")
        return answer


def _retry_after(answer: httpx.Response) -> float:
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isdigit() else 1.0


def _document(answer: httpx.Response) -> Document:
    document: Document = answer.json() if answer.content else {}
    return document
