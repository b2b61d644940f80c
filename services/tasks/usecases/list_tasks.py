"""List tasks."""

from services.tasks.domain.listing import Listing, Page, PageRequest
from services.tasks.domain.values import OwnerId
from services.tasks.store.tasks import TaskStore


async def list_tasks(store: TaskStore, owner: OwnerId, listing: Listing, request: PageRequest) -> Page:
    """A page of the owner's tasks. Following `Page.following` shows each task that stays as it is exactly once."""
    return await store.page(owner, listing, request)
