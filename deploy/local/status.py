"""What runs: a line for each process, or the same as JSON for scripts."""

import json
from dataclasses import asdict, dataclass

from deploy.local.control import NotRunning
from deploy.local.probes import health_of
from deploy.local.suite import Suite


@dataclass(frozen=True, slots=True)
class Line:
    """One process. `health` is "ok" or what is wrong."""

    name: str
    state: str
    pid: int
    ports: dict[str, int]
    health: str


def status_lines(suite: Suite) -> list[Line]:
    """A line for each process, engines first; empty when the suite does not run."""
    try:
        states = suite.control.states()
    except NotRunning:
        return []
    health = health_of(program for program in suite.programs if states[program.name].pid)
    return [
        Line(
            program.name,
            states[program.name].name.lower(),
            states[program.name].pid,
            dict(program.ports),
            health.get(program.name, "does not run"),
        )
        for program in suite.programs
    ]


def as_text(lines: list[Line]) -> str:
    """Aligned columns."""
    rows = [("NAME", "STATE", "PID", "PORTS", "HEALTH")]
    for line in lines:
        ports = " ".join(f"{purpose}:{port}" for purpose, port in line.ports.items())
        rows.append((line.name, line.state, str(line.pid or "-"), ports, line.health))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    )


def as_json(lines: list[Line], url: str) -> str:
    """`{"running": …, "healthy": …, "url": …, "processes": [{"name", "state", "pid", "ports", "health"}]}`."""
    healthy = bool(lines) and all(line.health == "ok" for line in lines)
    processes = [asdict(line) for line in lines]
    return json.dumps({"running": bool(lines), "healthy": healthy, "url": url, "processes": processes}, indent=2)
