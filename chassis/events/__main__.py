"""Events at the command line: `python -m chassis.events tail|dlq …`. What it prints of its own goes to stderr."""

import argparse
import asyncio
import sys

import structlog

from chassis.events import tail
from chassis.events.deadletters import command


def command_line() -> argparse.ArgumentParser:
    """The commands; each sets `run`, a coroutine function of the arguments that returns the status."""
    parser = argparse.ArgumentParser(prog="python -m chassis.events", description="Domain events: watch, repair.")
    commands = parser.add_subparsers(required=True)
    tail.add_to(commands)
    command.add_to(commands)
    return parser


def main() -> int:
    """The program; its status."""
    arguments = command_line().parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    status: int = asyncio.run(arguments.run(arguments))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
