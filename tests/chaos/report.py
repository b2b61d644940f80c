"""What a run has shown, as a table for a person and as a section for docs/reliability.md."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.chaos.checker import Verdict
from tests.chaos.promises import Promise


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a run. `left` is what was still on its way when the time for that was over."""

    seed: int
    engines: str
    began: datetime
    seconds: float
    killed: Counter[str]
    faults: Counter[str]
    verdict: Verdict
    left: list[str]

    @property
    def sound(self) -> bool:
        """Whether everything became quiet and no promise was broken."""
        return not self.left and not self.verdict.findings

    def table(self) -> str:
        """Aligned lines."""
        rows = [*self._figures(), *self._promises()]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)

    def section(self) -> str:
        """The same in Markdown, under a heading with the date and the seed."""
        heading = f"### {self.began:%Y-%m-%d}, seed {self.seed}, {self.killed.total()} kills"
        rows = [f"| {name} | {value} |" for name, value in self._figures()]
        rows += [f"| **{name}** | **{count}** |" for name, count in self._promises()]
        return "\n".join([heading, "", "| | |", "|---|---:|", *rows, ""])

    def evidence(self, most: int = 20) -> str:
        """What is wrong, with ids; the first `most` of each promise."""
        lines = [f"still on its way: {left}" for left in self.left]
        for promise in Promise:
            broken = [str(finding) for finding in self.verdict.findings if finding.promise is promise]
            lines += broken[:most] + ([f"… and {len(broken) - most} more"] if len(broken) > most else [])
        return "\n".join(lines)

    def _figures(self) -> Iterator[tuple[str, str]]:
        yield "seed", str(self.seed)
        yield "engines", self.engines
        yield "duration", f"{self.seconds:.0f} s"
        yield "kills (kill -9)", f"{self.killed.total()}: {_counts(self.killed)}"
        yield "other faults", _counts(self.faults)
        for sizes in (self.verdict.sizes, self.verdict.repeats):
            for name, count in sizes.items():
                yield name, f"{count:,}"

    def _promises(self) -> Iterator[tuple[str, str]]:
        for promise in Promise:
            yield promise.value, str(self.verdict.count(promise))


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))
