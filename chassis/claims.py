"""Requests that have their effect once, however often they come: AIP-155, and behind the gateway Idempotency-Key.

A claim says which request a caller's key stands for, and which resource that request makes or changes:

{_id: "<owner>:<message of the request>:<key>", request: <SHA-256 of it>, resource_id: UUID, expires_at, done?: true}

It is durable before the resource is touched, so that a crash in between is completed by the repeat, under the same id
and without a transaction. The owner comes first: `_id` is the shard key too, a caller's claims lie together, and
callers spread evenly.
"""

import asyncio
import copy
import hashlib
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from google.protobuf.descriptor import Descriptor
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from chassis.clock import Clock
from chassis.errors import AlreadyExists, Gone, KeyReused, NotFound, Unavailable, VersionMismatch
from chassis.mongo import Collection, Document
from chassis.telemetry import metrics

T = TypeVar("T")

COLLECTION = "claims"
"""The collection of a service's database that its claims live in."""
INDEXES = (IndexModel("expires_at", expireAfterSeconds=0),)
KEEP = timedelta(hours=24)
"""How long a key stands for its request; less than a tombstone stays, so that no id is ever used again."""

_REQUEST_ID = re.compile(r"[ -~]{0,255}")
_ATTEMPTS = 50
_PAUSE_SECONDS = 0.02


class Request(Protocol):
    """A request message with a `request_id`; empty when it is not to be repeated."""

    request_id: str

    @property
    def DESCRIPTOR(self) -> Descriptor: ...  # noqa: N802 - protobuf names it

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...  # noqa: N802 - protobuf names it


def request_id(text: str) -> str:
    """A key that a caller chose, or none. Raises ValueError."""
    if not _REQUEST_ID.fullmatch(text):
        raise ValueError("must have at most 255 characters, all of them printable ASCII")
    return text


@dataclass(frozen=True, slots=True)
class _Claim:
    id: str
    request: bytes
    resource_id: UUID
    done: bool = False


class Claims:
    """Wraps the creates and changes of a service. A request without a key costs nothing here.

    Both raise KeyReused when the key came with another request before, and Gone when what the request made or changed
    is deleted. A request that is refused before it gets here claims nothing.
    """

    def __init__(self, collection: Collection, clock: Clock, new_id: Callable[[], UUID]) -> None:
        self._collection, self._clock, self._new_id = collection, clock, new_id
        # A claim that could still be rolled back must not lead to a resource.
        self._durable = collection.with_options(read_concern=ReadConcern("majority"))

    async def create(
        self,
        owner: UUID,
        request: Request,
        create: Callable[[UUID], Awaitable[T]],
        find: Callable[[UUID], Awaitable[T]],
    ) -> T:
        """What `create` makes under the id it is given; for a repeat what it made, as `find` finds it now.

        `create` raises AlreadyExists when, and only when, the id is taken, by a tombstone too: that is what lets
        exactly one of any number of twins create.
        """
        if not request.request_id:
            return await create(self._new_id())
        claim = await self._claim(owner, request, self._new_id())
        try:
            return await create(claim.resource_id)
        except AlreadyExists:
            return await _as_it_stands(find(claim.resource_id))

    async def change(
        self,
        owner: UUID,
        request: Request,
        resource_id: UUID,
        change: Callable[[], Awaitable[T]],
        find: Callable[[], Awaitable[T]],
        applied: Callable[[T], bool],
    ) -> T:
        """What an idempotent `change` makes of the resource; for a repeat of a change that is done, as it stands now.

        A twin may have been faster, or a crash may have come between the change and the note that it is done. Then an
        etag is a precondition of the past, and a resource that shows the change (`applied`) meets it: RFC 9110, 13.1.1.
        """
        if not request.request_id:
            return await change()
        claim = await self._claim(owner, request, resource_id)
        if claim.done:
            return await _as_it_stands(find())
        try:
            changed = await change()
        except VersionMismatch:
            changed = await find()
            if not applied(changed):
                raise
        await self._collection.update_one({"_id": claim.id, "request": claim.request}, {"$set": {"done": True}})
        return changed

    async def _claim(self, owner: UUID, request: Request, resource_id: UUID) -> _Claim:
        """The durable claim of the request's key: a new one on the resource, or the one that is there."""
        name = f"{owner}:{request.DESCRIPTOR.full_name}:{request.request_id}"
        wanted = _Claim(name, _fingerprint(request), resource_id)
        for _ in range(_ATTEMPTS):
            if await self._insert(wanted):
                return _counted(wanted, "taken")
            found = await self._durable.find_one({"_id": wanted.id})
            if found is not None and found["expires_at"] > self._clock.now():
                return _repeated(wanted, found)
            if found is not None and await self._take_over(wanted, found):
                return _counted(wanted, "taken")
            # Not durable yet, expired just now, or taken over by a twin.
            await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311 - only spreads the twins
        raise Unavailable("the claim of this key is not durable yet")

    async def _insert(self, claim: _Claim) -> bool:
        try:
            await self._collection.insert_one({"_id": claim.id, **self._fields(claim)})
        except DuplicateKeyError:
            return False
        return True

    async def _take_over(self, claim: _Claim, expired: Document) -> bool:
        """The engine removes what is expired in its own time; until then it is as good as gone."""
        unchanged = {"_id": claim.id, "expires_at": expired["expires_at"]}
        result = await self._collection.update_one(unchanged, {"$set": self._fields(claim), "$unset": {"done": ""}})
        return result.matched_count == 1

    def _fields(self, claim: _Claim) -> Document:
        expires_at = self._clock.now() + KEEP
        return {"request": claim.request, "resource_id": claim.resource_id, "expires_at": expires_at}


def _fingerprint(request: Request) -> bytes:
    """What the request means: of every field but the key, set or not, whatever order it was sent in.

    A field that a later version adds does not change it while it is not set.
    """
    asked = copy.deepcopy(request)
    asked.request_id = ""
    return hashlib.sha256(asked.SerializeToString(deterministic=True)).digest()


def _repeated(wanted: _Claim, found: Document) -> _Claim:
    if bytes(found["request"]) != wanted.request:
        metrics.claims.labels("reused").inc()
        raise KeyReused
    claim = _Claim(wanted.id, wanted.request, found["resource_id"], found.get("done", False))
    return _counted(claim, "repeated")


def _counted(claim: _Claim, outcome: str) -> _Claim:
    metrics.claims.labels(outcome).inc()
    return claim


async def _as_it_stands(found: Awaitable[T]) -> T:
    try:
        return await found
    except NotFound as missing:
        raise Gone(missing.resource, missing.name) from None
