"""The two ways in which a process of the gateway begins: as somebody starts it, and as a worker of another."""

import sys
from collections.abc import Sequence

from chassis.process import Process
from chassis.telemetry.logs import telling
from gateway.app import build
from gateway.settings import Settings
from gateway.workers.place import USAGE, Place
from gateway.workers.team import parent

__all__ = ["USAGE", "serve", "work"]


def serve(settings: Settings) -> Process:
    """The gateway in this process, or the parent of those that GATEWAY_WORKERS says."""
    return build(settings) if settings.gateway_workers == 1 else parent(settings)


async def work(settings: Settings, words: Sequence[str]) -> None:
    """Be a worker, in the place that the words describe. Ends the process with its status."""
    try:
        place = Place.of(words)
    except ValueError as error:
        print(f"usage: python -m gateway worker {USAGE}, as a parent of workers starts it: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    with telling(worker=place.number):
        raise SystemExit(await build(settings, place=place).serve())
