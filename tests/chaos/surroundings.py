"""The suite as these tests run it: with the slow way to the broker, and waiting for less long than in production."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploy.local.programs import Program
from tests.chaos.slow import SlowBroker

SESSION_SECONDS = 6.0
"""A consumer's session lasts at most so long here."""
_SHORTER = {
    # The lease of a mail that was being sent when its process died is three times this.
    "MAIL_TIMEOUT": "5"
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is changed of the suite's programs."""

    broker: SlowBroker

    def change(self, programs: Sequence[Program]) -> Sequence[Program]:
        """The programs as they are to be run."""
        return [self._changed(program) for program in programs]

    def _changed(self, program: Program) -> Program:
        if program.name == "kafka":
            return self.broker.before(program)
        if "KAFKA_BOOTSTRAP_SERVERS" not in program.environment:
            return program
        environment = {"KAFKA_SESSION_TIMEOUT": f"{SESSION_SECONDS:.0f}", **program.environment, **_SHORTER}
        environment["KAFKA_BOOTSTRAP_SERVERS"] = f"127.0.0.1:{self.broker.port}"
        return replace(program, environment=environment)
