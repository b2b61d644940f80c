"""The dead letters against the poison: every group put aside what it must of the poison, and nothing else."""

from collections.abc import Iterator

from tests.chaos.observed import GROUPS_HEADER, Observed, Record
from tests.chaos.promises import Finding, Promise

Grave = tuple[str, str, str]
"""Where a poisoned record is, its number, and the service that has to put it aside."""

_STORY = ("dlq_reason", "dlq_topic", "dlq_partition", "dlq_offset", "dlq_attempts", "dlq_group", "dlq_time")


def check_letters(observed: Observed) -> Iterator[Finding]:
    """Poison that was not put aside, and what was put aside without being poison for that service."""
    found: dict[Grave, Record] = {}
    for letter in observed.letters:
        service = _service(letter)
        if service and letter.poison and service in letter.headers[GROUPS_HEADER].split(","):
            found[_original(letter), letter.poison, service] = letter
        else:
            yield Finding(Promise.ONLY_POISON_ASIDE, letter.place, f"{dict(letter.headers)}")
    for grave, record in graves(observed).items():
        there = found.get(grave)
        if there is None or (there.key, there.value) != (record.key, record.value):
            evidence = f"{grave} of {dict(record.headers)} has {there}"
            yield Finding(Promise.POISON_ASIDE, record.poison, evidence)


def graves(observed: Observed) -> dict[Grave, Record]:
    """Every dead letter there has to be."""
    return {
        (record.place, record.poison, service): record
        for record in observed.records
        if record.poison
        for service in record.headers[GROUPS_HEADER].split(",")
        if service
    }


def repeated_letters(observed: Observed) -> int:
    """Dead letters of a record that was put aside before: a crash came between the letter and the commit."""
    return len(observed.letters) - len({(letter.topic, _original(letter)) for letter in observed.letters})


def _original(letter: Record) -> str:
    """Where the record was, as the letter tells."""
    return "{dlq_topic}[{dlq_partition}]@{dlq_offset}".format_map(dict.fromkeys(_STORY, "") | dict(letter.headers))


def _service(letter: Record) -> str:
    """Whose dead letter it is; empty when it does not tell its whole story, or another one than its topic's."""
    told = {name: letter.headers.get(name, "") for name in _STORY}
    service = letter.topic.removeprefix(f"{told['dlq_topic']}.").removesuffix(".dlq")
    return service if all(told.values()) and told["dlq_group"].endswith(f".{service}") else ""
