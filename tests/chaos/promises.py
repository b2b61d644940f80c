"""The promises that are counted, and the evidence that one was broken."""

from dataclasses import dataclass
from enum import Enum


class Promise(Enum):
    """What must be 0 after every run. The value is the line of the report."""

    WRITE_KEPT = "acknowledged writes lost"
    WRITE_ONCE = "writes doubled"
    WRITE_ASKED = "writes happened though refused or never asked"
    WRITE_IN_ORDER = "writes against the order of their answers"
    STATE_TOLD = "documents that differ from their events"
    EVENT_TOLD = "events missing"
    EVENT_DURABLE = "events without durable state"
    EVENT_IN_ORDER = "events first seen out of order"
    EVENT_READABLE = "records that are no event"
    EFFECT_HAPPENED = "effects missing"
    EFFECT_ONCE = "effects doubled"
    POISON_ASIDE = "poison not in the dead letters"
    ONLY_POISON_ASIDE = "dead letters that are no poison"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise: about which id, and what shows it."""

    promise: Promise
    subject: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.promise.value}: {self.subject}: {self.evidence}"
