"""Change a task."""

from chassis.clock import Clock
from services.tasks.domain.task import Revision, Task
from services.tasks.domain.values import OwnerId, TaskId
from services.tasks.store.races import rerun_without_etag
from services.tasks.store.tasks import TaskStore


@rerun_without_etag
async def update_task(
    store: TaskStore, clock: Clock, owner: OwnerId, revision: Revision, *, task_id: TaskId, etag: str
) -> Task:
    """Change what the revision names; when nothing differs, nothing is written and nothing is published.

    Raises VersionMismatch when there is an etag and it is not the current one.
    """
    task = await store.load(owner, task_id)
    task.require_etag(etag, "task", str(task_id))
    task.revise(revision, clock.now())
    await store.save(task)
    return task
