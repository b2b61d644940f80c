"""Complete a task."""

from chassis.clock import Clock
from services.tasks.domain.task import Task
from services.tasks.domain.values import OwnerId, TaskId
from services.tasks.store.races import rerun_without_etag
from services.tasks.store.tasks import TaskStore


@rerun_without_etag
async def complete_task(store: TaskStore, clock: Clock, owner: OwnerId, *, task_id: TaskId, etag: str) -> Task:
    """Complete a task once; completing it again changes nothing and publishes nothing.

    Raises VersionMismatch when there is an etag and it is not the current one.
    """
    task = await store.load(owner, task_id)
    task.require_etag(etag, "task", str(task_id))
    task.complete(clock.now())
    await store.save(task)
    return task
