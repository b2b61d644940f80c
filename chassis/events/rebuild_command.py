"""`python -m services.<name> rebuild [--keep|--drop]`: what the rebuild of each service shares as a command."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from chassis.events.comparing import Untold
from chassis.events.rebuild import Refused
from chassis.settings import Settings
from chassis.telemetry.logs import configure_logs

USAGE = "[--keep|--drop]"
_ANSWERS = {(): Untold.REFUSED, ("--keep",): Untold.KEPT, ("--drop",): Untold.DROPPED}


def untold_of(words: Sequence[str]) -> Untold:
    """What the words after `rebuild` ask for. Exits with status 2 when they make no sense."""
    answer = _ANSWERS.get(tuple(words))
    if answer is None:
        print(f"usage: rebuild {USAGE}", file=sys.stderr)
        raise SystemExit(2)
    return answer


async def told(
    service: str, settings: Settings, work: Callable[[Callable[[str], None]], Coroutine[Any, Any, Sequence[str]]]
) -> None:
    """Do the work; what it says and its result go to stdout, logs to stderr.

    Exits with status 1, saying why, when it is refused or told to stop: then the collection in use stays.
    """
    configure_logs(service, settings.log_level, sys.stderr)
    task = asyncio.create_task(work(_say))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        for line in await task:
            _say(line)
    except asyncio.CancelledError:
        print("stopped; the collection in use stays", file=sys.stderr)
        raise SystemExit(1) from None
    except Refused as refused:
        print(refused, file=sys.stderr)
        raise SystemExit(1) from None
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


def _say(line: str) -> None:
    print(line, flush=True)
