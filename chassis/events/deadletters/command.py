"""`python -m chassis.events dlq list|show|redrive|purge`: dead letters from the command line.

The status is 0 when all went well, 1 when something did not (a service away, a letter that fails again), 2 for a wrong
command line or setting.
"""

import argparse
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from primetrade.events.v1.dead_letters_pb2 import DeadLetter

from chassis.errors import Error
from chassis.events.deadletters import printing
from chassis.events.deadletters.arguments import add_arguments
from chassis.events.deadletters.letter import service_of
from chassis.events.deadletters.sources import Broker, OperatorSettings, Services, Source
from chassis.rpc.client import RpcFailed
from chassis.settings import read_settings


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `dlq` and its own commands to a program's."""
    add_arguments(commands)
    commands.choices["dlq"].set_defaults(run=run)


async def run(arguments: argparse.Namespace) -> int:
    """One command; its status."""
    if arguments.word == "redrive" and arguments.ids and (arguments.service or arguments.topic):
        return _complain("--service and --topic go with --all", 2)
    settings = read_settings(OperatorSettings)
    if arguments.word in ("list", "show") and arguments.broker:
        return await _read(arguments, Broker(settings), settings)
    try:
        token = settings.operator_token()
    except OSError as error:
        return _complain(f"setting TOKEN_FILE: {error.strerror}", 2)
    if not token:
        return _complain("setting TOKEN: must be a token with the role operator; list and show take --broker too", 2)
    async with Services(settings, token) as services:
        match arguments.word:
            case "redrive":
                return await _redrive(arguments, services, settings)
            case "purge":
                return await _purge(arguments, services)
            case _:
                return await _read(arguments, services, settings)


async def _read(arguments: argparse.Namespace, source: Source, settings: OperatorSettings) -> int:
    if arguments.word == "show":
        try:
            print(printing.in_full(await source.get(arguments.id)))
        except (Error, RpcFailed) as error:
            return _complain(str(error))
        return 0
    status, letters = 0, 0
    for service in _services(arguments, settings):
        found = source.letters(service, arguments.topic or "", arguments.outstanding)
        told, failures = await _print(service, found, printing.one_line if arguments.json else printing.entry)
        letters, status = letters + told, max(status, failures)
    print(f"{letters} dead letter{'' if letters == 1 else 's'}", file=sys.stderr)
    return status


async def _redrive(arguments: argparse.Namespace, services: Services, settings: OperatorSettings) -> int:
    status = 0
    for id in arguments.ids:
        _, failures = await _print(str(id), services.redrive(id), printing.outcome)
        status = max(status, failures)
    if arguments.all:
        for service in _services(arguments, settings):
            found = services.redrive_all(service, arguments.topic or "")
            _, failures = await _print(service, found, printing.outcome)
            status = max(status, failures)
    return status


async def _purge(arguments: argparse.Namespace, services: Services) -> int:
    try:
        answer = await services.purge(arguments.topic, arguments.before, arguments.force)
    except (Error, RpcFailed) as error:
        return _complain(str(error))
    print(printing.purged(answer, arguments.force))
    return 0


async def _print(
    whose: str, letters: AsyncGenerator[DeadLetter, None], line: Callable[[DeadLetter], str]
) -> tuple[int, int]:
    """Print the letters as they come: how many, and the status. A failure is told, and is no reason to end."""
    count = status = 0
    try:
        async with aclosing(letters):
            async for letter in letters:
                print(line(letter), flush=True)
                count += 1
                status = max(status, int(printing.failed(letter)))
    except (Error, RpcFailed) as error:
        status = _complain(f"{whose}: {error}")
    return count, status


def _services(arguments: argparse.Namespace, settings: OperatorSettings) -> Sequence[str]:
    if arguments.topic:
        return [service_of(arguments.topic)]
    return [arguments.service] if arguments.service else list(settings.targets)


def _complain(why: str, status: int = 1) -> int:
    print(why, file=sys.stderr, flush=True)
    return status
