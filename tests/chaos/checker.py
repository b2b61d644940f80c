"""The independent checker: counts, for each promise, how often it was broken, with the evidence.

It shares no code with the suite but the generated contracts: own header parsing, plain data from plain clients.
"""

from dataclasses import dataclass, field

from tests.chaos.checks.effects import check_effects, repeated_mails
from tests.chaos.checks.events import check_events
from tests.chaos.checks.letters import check_letters, graves, repeated_letters
from tests.chaos.checks.writes import check_writes
from tests.chaos.event import Log
from tests.chaos.history import History, Outcome
from tests.chaos.observed import Observed
from tests.chaos.promises import Finding, Promise


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was counted. `sizes` is what the promises were held for, `repeats` what may be repeated and was."""

    findings: tuple[Finding, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=dict)

    def count(self, promise: Promise) -> int:
        """How often it was broken."""
        return sum(finding.promise is promise for finding in self.findings)


def check(history: History, observed: Observed) -> Verdict:
    """Hold the answers of the API, the documents, the topics and the mails against each other."""
    log = Log.of(observed.records)
    findings = (
        *check_writes(history, observed, log),
        *check_events(observed, log),
        *check_effects(observed, log),
        *check_letters(observed),
    )
    return Verdict(findings, _sizes(history, observed, log), _repeats(observed, log))


def _sizes(history: History, observed: Observed, log: Log) -> dict[str, int]:
    return {
        **{f"writes {outcome.value}": history.count(outcome) for outcome in Outcome},
        "aggregates": sum(document.sequence > 0 for document in observed.documents),
        "events": log.told - log.repeats,
        "inbox entries": len(observed.of("notify.notifications")),
        "mails": len({mail.message_id for mail in observed.mails}),
        "poisoned records": sum(bool(record.poison) for record in observed.records),
        "dead letters expected": len(graves(observed)),
    }


def _repeats(observed: Observed, log: Log) -> dict[str, int]:
    return {
        "events published again": log.repeats,
        "mails sent again under their Message-ID": repeated_mails(observed),
        "dead letters written again": repeated_letters(observed),
    }
