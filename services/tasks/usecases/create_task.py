"""Create a task."""

from chassis.clock import Clock
from services.tasks.domain.task import Draft, Task
from services.tasks.domain.values import OwnerId, TaskId
from services.tasks.store.tasks import TaskStore


async def create_task(store: TaskStore, clock: Clock, owner: OwnerId, task_id: TaskId, draft: Draft) -> Task:
    """Create a task of the owner. Raises AlreadyExists when the id was ever used before."""
    task = Task.create(task_id, owner, draft, clock.now())
    await store.insert(task)
    return task
