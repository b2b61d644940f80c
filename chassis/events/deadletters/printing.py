"""Dead letters in words, for a terminal."""

import json

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.events.v1.dead_letters_pb2 import (
    REDRIVE_OUTCOME_FAILED,
    DeadLetter,
    PurgeDeadLettersResponse,
    RedriveOutcome,
)


def one_line(letter: DeadLetter) -> str:
    """The letter as compact JSON."""
    return json.dumps(MessageToDict(letter), separators=(",", ":"), ensure_ascii=False)


def in_full(letter: DeadLetter) -> str:
    """The letter as JSON to be read."""
    return json.dumps(MessageToDict(letter), indent=2, ensure_ascii=False)


def entry(letter: DeadLetter) -> str:
    """What a list says of the letter, in three lines: where and whether it is done, what it is, why it is there."""
    event = f"{letter.event_type} {letter.subject} #{letter.sequence}" if letter.event_type else "no event"
    return (
        f"{letter.id}  {_time(letter.create_time)}  {_state(letter)}\n"
        f"    {event}  from {letter.topic}[{letter.partition}]@{letter.offset}, put aside by {letter.group}"
        f" after {letter.attempts} attempt{'' if letter.attempts == 1 else 's'}\n"
        f"    {_printable(letter.reason)}"
    )


def outcome(letter: DeadLetter) -> str:
    """What became of a redriven letter."""
    reason = f": {_printable(letter.redrive.reason)}" if letter.redrive.reason else ""
    return f"{letter.id}  {_word(letter)}{reason}"


def failed(letter: DeadLetter) -> bool:
    """Whether its last redrive failed."""
    return letter.redrive.outcome == REDRIVE_OUTCOME_FAILED


def purged(answer: PurgeDeadLettersResponse, force: bool) -> str:
    """What a purge did, or would do."""
    letters = f"{answer.purge_count} dead letter{'' if answer.purge_count == 1 else 's'}"
    if not force:
        return f"{letters} would be deleted: add --force"
    if answer.hidden:
        return f"{letters} hidden: this broker cannot delete records, and keeps them until their retention is over"
    return f"{letters} deleted; the first that is kept has the offset {answer.low_offset}"


def _state(letter: DeadLetter) -> str:
    if not letter.HasField("redrive"):
        return "outstanding"
    redrive = letter.redrive
    again = f": {_printable(redrive.reason)}" if redrive.reason else ""
    word = "outstanding, failed again" if failed(letter) else _word(letter)
    return f"{word} at {_time(redrive.time)} by {redrive.operator}{again}"


def _word(letter: DeadLetter) -> str:
    return RedriveOutcome.Name(letter.redrive.outcome).removeprefix("REDRIVE_OUTCOME_").lower()


def _time(time: Timestamp) -> str:
    return time.ToDatetime().isoformat(timespec="milliseconds") + "Z"


def _printable(text: str) -> str:
    """One line, in which nothing moves the cursor: a record's words come from anywhere."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
