"""Delete a task."""

from services.tasks.domain.values import OwnerId, TaskId
from services.tasks.store.races import rerun_without_etag
from services.tasks.store.tasks import TaskStore


@rerun_without_etag
async def delete_task(store: TaskStore, owner: OwnerId, *, task_id: TaskId, etag: str) -> None:
    """Delete a task; deleting it again raises NotFound.

    Raises VersionMismatch when there is an etag and it is not the current one.
    """
    task = await store.load(owner, task_id)
    task.require_etag(etag, "task", str(task_id))
    task.delete()
    await store.remove(task)
