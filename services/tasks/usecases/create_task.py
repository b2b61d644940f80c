"""Create a task."""

from collections.abc import Callable
from uuid import UUID

from chassis.clock import Clock
from services.tasks.domain.task import Draft, Task
from services.tasks.domain.values import OwnerId, TaskId
from services.tasks.store.tasks import TaskStore


async def create_task(store: TaskStore, clock: Clock, new_id: Callable[[], UUID], owner: OwnerId, draft: Draft) -> Task:
    """Create a task of the owner under an id never used before."""
    task = Task.create(TaskId(new_id()), owner, draft, clock.now())
    await store.insert(task)
    return task
