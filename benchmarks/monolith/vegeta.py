"""The load: vegeta asks what a file says, so many at a time, and tells of every answer its status and its time."""

import base64
import csv
import json
import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.monolith.operations import Request
from chassis.testing.tools.cache import obtain
from chassis.testing.tools.commands import run
from chassis.testing.tools.vegeta import VEGETA

_PATIENCE = "120s"
_AT_THE_END = "no targets to attack"


class Failed(Exception):
    """Requests of a run were not answered as they must be. What was measured says nothing then."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request: its status (0: none), when it was asked and how long it took."""

    method: str
    url: str
    status: int
    asked: float
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """What became of all of them, and what asking took."""

    answers: Sequence[Answer]
    cpu_seconds: float

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return max(each.asked + each.seconds for each in self.answers) - min(each.asked for each in self.answers)


def load(url: str, requests: Sequence[Request], at_once: int, folder: Path) -> Load:
    """Ask all of these, in this order, so many at a time over as many connections. Raises Failed, or ToolError."""
    targets, results = folder / "targets.json", folder / "results.bin"
    targets.write_text("".join(f"{json.dumps(_target(url, request))}\n" for request in requests))
    binary, many, before = obtain(VEGETA) / "vegeta", str(at_once), _cpu_of_children()
    run([
        binary, "attack", "-format=json", "-lazy", f"-targets={targets}", f"-output={results}", "-duration=0",
        "-rate=0", "-workers", many, "-max-workers", many, "-connections", many, "-max-body=0", "-redirects=-1",
        f"-timeout={_PATIENCE}",
    ])  # fmt: skip
    cpu = _cpu_of_children() - before
    answers = told(run([binary, "encode", "-to=csv", results]))
    require_success(url, requests, answers)
    return Load(answers, cpu)


def told(table: str) -> list[Answer]:
    """The answers, in whatever order they came."""
    found = []
    for asked, status, nanoseconds, _, _, error, _, _, _, method, url, *_ in csv.reader(table.splitlines()):
        if error != _AT_THE_END:
            found.append(Answer(method, url, int(status), int(asked) / 1e9, int(nanoseconds) / 1e9, error))
    return found


def require_success(url: str, requests: Sequence[Request], answers: Sequence[Answer]) -> None:
    """Every request has its answer, and it is the one it must be. Raises Failed saying how often which was not."""
    wanted = {(request.method, url + request.path): request.status for request in requests}
    missing = Counter((request.method, url + request.path) for request in requests)
    unlike = Counter[str]()
    for answer in answers:
        status = wanted[answer.method, answer.url]
        missing[answer.method, answer.url] -= 1
        if answer.status != status:
            said = f"answered {answer.status}" if answer.status else answer.error
            unlike[f"{answer.method} {_path(answer.url)}: {said} instead of {status}"] += 1
    for (method, asked), times in missing.items():
        if times:
            unlike[f"{method} {_path(asked)}: not answered"] += times
    if unlike:
        worst = "; ".join(f"{what} ({times}×)" for what, times in unlike.most_common(3))
        raise Failed(f"{unlike.total()} of {len(requests)} requests failed: {worst}")


def _path(url: str) -> str:
    return url.split("/", 3)[-1].partition("?")[0]


def _target(url: str, request: Request) -> dict[str, Any]:
    # Said by us, so that what is compressed stays so: what it costs to read is the client's.
    header = {"Accept-Encoding": ["gzip"], "Accept": ["application/json"]}
    if request.token:
        header["Authorization"] = [f"Bearer {request.token}"]
    if request.etag:
        header["If-None-Match"] = [request.etag]
    target: dict[str, Any] = {"method": request.method, "url": url + request.path, "header": header}
    if request.body:
        header["Content-Type"] = ["application/json"]
        target["body"] = base64.b64encode(request.body).decode()
    return target


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
