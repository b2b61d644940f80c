"""The command line of `dlq`, and what is wrong with one."""

import argparse

from chassis.events.deadletters.letter import LetterId
from chassis.events.deadletters.sources import SERVICES

_TOPIC = "a topic of dead letters: <topic>.<service>.dlq"
_ABOUT = """What the services' consumers put aside. Settings, from the environment: TOKEN or TOKEN_FILE, a token with
the role operator (`python -m services.auth operator-token`); AUTH_TARGET, USERS_TARGET and NOTIFY_TARGET, where the
services are; KAFKA_BOOTSTRAP_SERVERS and KAFKA_PREFIX, for --broker."""


def add_arguments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `dlq` and its own commands to a program's; `word` tells which of these it is."""
    dlq = commands.add_parser("dlq", help="dead letters: list, show, redrive, purge", description=_ABOUT)
    words = dlq.add_subparsers(dest="word", required=True)

    listing = words.add_parser("list", help="print what there is, topic by topic, the oldest first")
    _add_scope(listing)
    listing.add_argument("--outstanding", action="store_true", help="only those that no redrive has ended")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    _add_broker(listing)

    show = words.add_parser("show", help="print one in full: its story, its headers, its event as JSON")
    show.add_argument("id", type=_letter, metavar="ID", help="as list prints it")
    _add_broker(show)

    redrive = words.add_parser("redrive", help="give letters to their service's handler once more")
    which = redrive.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", type=_letter, nargs="*", default=[], metavar="ID", help="as list prints it")
    which.add_argument("--all", action="store_true", help="everything outstanding")
    _add_scope(redrive)

    purge = words.add_parser("purge", help="delete letters of one topic for good")
    purge.add_argument("topic", type=_topic, metavar="TOPIC", help=_TOPIC)
    which = purge.add_mutually_exclusive_group(required=True)
    which.add_argument("--before", type=_offset, metavar="OFFSET", help="those with a lower offset")
    which.add_argument("--all", action="store_true", help="all there are now")
    purge.add_argument("--force", action="store_true", help="delete them; else they are only counted")


def _add_scope(parser: argparse.ArgumentParser) -> None:
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--service", choices=SERVICES, help="only of this service")
    scope.add_argument("--topic", type=_topic, help=f"only of {_TOPIC}")


def _add_broker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--broker", action="store_true", help="read the broker, asking no service: needs no token, knows no redrives"
    )


def _letter(text: str) -> LetterId:
    try:
        return LetterId.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _topic(text: str) -> str:
    try:
        return LetterId.parse(f"{text}:0:0").topic
    except ValueError:
        raise argparse.ArgumentTypeError("must be <topic>.<service>.dlq") from None


def _offset(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 2**63):
        raise argparse.ArgumentTypeError("must be an offset, 0 or more")
    return int(text)
