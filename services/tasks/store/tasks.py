"""The store of tasks: the only writer of the collection `tasks`."""

import asyncio

from chassis.clock import Clock
from chassis.events.publishing.outbox import AggregateStore
from chassis.events.publishing.relay import Relay
from chassis.events.topics import TASKS
from chassis.mongo import Collection, Document
from services.tasks.domain.events import TaskEvent
from services.tasks.domain.listing import Listing, Page, PageRequest
from services.tasks.domain.task import Task
from services.tasks.domain.values import OwnerId, TaskId
from services.tasks.store.documents import TaskMapper, key_of, view_of
from services.tasks.store.events import SOURCE
from services.tasks.store.queries import following, matching, position, projection, shown, sorting

COLLECTION = "tasks"


class TaskStore:
    """Tasks with their outbox. A task of another owner is NotFound; concurrent saves end in VersionMismatch for one."""

    def __init__(self, collection: Collection, relay: Relay, clock: Clock) -> None:
        self._collection = collection
        self._aggregates = AggregateStore[Task, TaskEvent](collection, TaskMapper(), TASKS, SOURCE, relay, clock)

    async def insert(self, task: Task) -> None:
        """Store a new task. Raises AlreadyExists."""
        await self._aggregates.insert(task)

    async def load(self, owner: OwnerId, task_id: TaskId) -> Task:
        """A task to change and save. Raises NotFound."""
        return await self._aggregates.load(key_of(owner, task_id))

    async def read(self, owner: OwnerId, task_id: TaskId) -> Task:
        """A task to look at; it cannot be saved. Raises NotFound."""
        return await self._aggregates.read(key_of(owner, task_id))

    async def save(self, task: Task) -> None:
        """Store what changed, if anything did. Raises VersionMismatch, or Unavailable while Kafka is long away."""
        await self._aggregates.save(task)

    async def remove(self, task: Task) -> None:
        """Leave a tombstone in the task's place. Raises as `save`."""
        await self._aggregates.remove(task)

    async def page(self, owner: OwnerId, listing: Listing, request: PageRequest) -> Page:
        """A part of a list of the owner's tasks."""
        documents, total = await asyncio.gather(
            self._found(owner, listing, request), self._collection.count_documents(matching(owner, listing))
        )
        more = len(documents) > request.size
        names, documents = shown(listing), documents[: request.size]
        return Page(
            tasks=tuple(view_of(document, names) for document in documents),
            following=position(listing.order, documents[-1]) if more else None,
            total=total,
        )

    async def _found(self, owner: OwnerId, listing: Listing, request: PageRequest) -> list[Document]:
        """The documents of a page and, where there is one, the first of the next."""
        found: list[Document] = []
        for query in following(owner, listing, request.after):
            cursor = self._collection.find(query, projection(listing)).sort(sorting(listing.order)).skip(request.skip)
            found += await cursor.limit(request.size + 1 - len(found)).to_list(None)
            if len(found) > request.size:
                break
        return found
