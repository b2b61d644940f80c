"""Asking the processes: is each well, and is there still something on its way through the suite?"""

import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from chassis.rpc.probe import grpc_health
from chassis.testing.ports import accepts
from deploy.local.programs import Check, Program

SECONDS = 2.0

LAG = "primetrade_consumer_lag_records"
ON_THE_WAY = {
    "primetrade_outbox_pending_documents": "documents with events to publish",
    "primetrade_relay_queue_events": "events to publish",
    LAG: "records to read",
}
"""The gauges that are 0 when every event has been published and read."""

_SAMPLE = re.compile(r"^(\w+)(?:\{.*\})? ([0-9.e+-]+)$", re.MULTILINE)
# Everything asked here is on this machine: never through a proxy.
_opener = build_opener(ProxyHandler({}))


def health_of(programs: Iterable[Program]) -> Mapping[str, str]:
    """Every program's health: "ok", or what is wrong. Asks all at once, for 2 s at most."""
    asked = list(programs)
    with ThreadPoolExecutor(max_workers=max(len(asked), 1)) as pool:
        return dict(zip((program.name for program in asked), pool.map(_health, asked), strict=True))


def on_the_way(programs: Iterable[Program]) -> list[str]:
    """What the programs with metrics still have to publish or read, in words; empty when the suite is quiet.

    A program that does not answer is passed over: what it had is in its outbox.
    """
    asked = [program for program in programs if "metrics" in program.ports]
    with ThreadPoolExecutor(max_workers=max(len(asked), 1)) as pool:
        return [line for lines in pool.map(_backlog, asked) for line in lines]


def _health(program: Program) -> str:
    if not accepts(program.port):
        return f"port {program.port} does not accept connections"
    match program.check:
        case Check.TCP:
            return "ok"
        case Check.GRPC:
            state = grpc_health(f"127.0.0.1:{program.port}", SECONDS)
            return "ok" if state == "SERVING" else f"its health says {state}"
        case Check.HTTP:
            return _readiness(program.port)


def _readiness(port: int) -> str:
    try:
        answer = json.loads(_get(port, "/readyz"))
    except HTTPError as error:
        return f"/readyz answers {error.code}: {error.read(500).decode(errors='replace')}"
    except (URLError, OSError, ValueError) as error:
        return f"/readyz does not answer ({error})"
    if answer.get("degraded"):
        return f"degraded: {', '.join(answer['degraded'])}"
    return "ok" if answer.get("status") == "ready" else f"/readyz says {answer.get('status')}"


def _backlog(program: Program) -> list[str]:
    try:
        text = _get(program.ports["metrics"], "/metrics")
    except OSError:
        return []
    totals: dict[str, float] = {}
    for name, value in _SAMPLE.findall(text):
        if name in ON_THE_WAY:
            totals[name] = totals.get(name, 0) + float(value)
    if program.consumes and LAG not in totals:
        return [f"{program.name} has not joined its consumer group"]
    return [f"{program.name} has {total:.0f} {ON_THE_WAY[name]}" for name, total in totals.items() if total]


def _get(port: int, path: str) -> str:
    with _opener.open(f"http://127.0.0.1:{port}{path}", timeout=SECONDS) as answer:
        return str(answer.read().decode())
