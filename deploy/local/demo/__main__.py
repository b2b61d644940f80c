"""`python -m deploy.local.demo`: three people, 150 tasks, three inboxes. Exits with 0 only when nothing is missing."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chassis.settings import read_settings
from deploy.local.demo.client import Api, Unexpected
from deploy.local.demo.people import Cast
from deploy.local.demo.story import Counts, Story
from deploy.local.settings import LocalSettings

PEOPLE = 3
console = Console()


async def demo(url: str) -> None:
    """Run the story of three people side by side. Raises Unexpected, or httpx.HTTPError when the suite is away."""
    cast = Cast(run=f"{time.time_ns() // 1_000_000:x}")
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        stories = [Story(Api(http), cast.person()) for _ in range(PEOPLE)]
        console.print(f"[bold]PrimeTrade Tasks[/] at {url}: {', '.join(story.person.name for story in stories)}")
        await _step("register and log in", stories, Story.register)
        await _step("create 50 tasks each", stories, lambda story: story.create(cast.tasks()))
        await _step("list by page, cursor and filter", stories, Story.list)
        await _step("complete, start and delete some", stories, Story.work)
        await _step("ask for a task of somebody else", stories, lambda story: story.cannot_read(_next(stories, story)))
        await _step("read the inbox until every notification is there", stories, Story.read_inbox)
        console.print(_counts(stories))


async def _step(what: str, stories: Sequence[Story], do: Callable[[Story], Awaitable[None]]) -> None:
    began = time.monotonic()
    with console.status(what):
        await asyncio.gather(*(do(story) for story in stories))
    console.print(f"  [green]✓[/] {what} [dim]{time.monotonic() - began:.2f} s[/]")


def _next(stories: Sequence[Story], story: Story) -> Story:
    return stories[(stories.index(story) + 1) % len(stories)]


def _counts(stories: Sequence[Story]) -> Table:
    table = Table("", "created", "listed", "completed", "started", "deleted", "notifications")
    rows = [_numbers(story.counts) for story in stories]
    for story, numbers in zip(stories, rows, strict=True):
        table.add_row(story.person.name, *map(str, numbers))
    table.add_section()
    table.add_row("together", *(str(sum(column)) for column in zip(*rows, strict=True)))
    return table


def _numbers(counts: Counts) -> tuple[int, ...]:
    inbox = counts.notifications.total()
    return (counts.created, counts.listed, counts.completed, counts.changed, counts.deleted, inbox)


def main() -> None:
    """The command."""
    url = read_settings(LocalSettings).url
    try:
        asyncio.run(demo(url))
    except httpx.ConnectError:
        console.print(f"[red]Nothing answers at {url}.[/] `make start` starts the suite (GATEWAY_PORT names its port).")
        raise SystemExit(1) from None
    except (Unexpected, httpx.HTTPError) as error:
        console.print("[red]✗[/]", escape(str(error) or repr(error)), highlight=False)
        raise SystemExit(1) from None
    console.print("[green]Nothing is missing.[/]")


if __name__ == "__main__":
    main()
