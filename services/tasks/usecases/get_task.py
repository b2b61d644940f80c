"""Read a task."""

from services.tasks.domain.task import Task
from services.tasks.domain.values import OwnerId, TaskId
from services.tasks.store.tasks import TaskStore


async def get_task(store: TaskStore, owner: OwnerId, task_id: TaskId) -> Task:
    """One task of the owner."""
    return await store.read(owner, task_id)
