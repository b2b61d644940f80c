"""Hold a suite against its own OpenAPI document: `python -m tests.fuzz`, or `make fuzz N=5000 SEED=7`; see settings.py.

Rounds of Schemathesis, each as a person of its own, until there were N requests. Ends with 0 when every answer was as
documented: no 5xx, nothing outside the schema, nothing wrong accepted, nothing right refused; and when links between
operations were followed.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from chassis.settings import read_settings
from deploy.local.testing import patient, running_suite
from tests.fuzz.settings import FuzzSettings

ROOT = Path(__file__).parents[2]
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 60
"""Of each operation and phase in a round: about 1,800 requests, over long before the access token expires."""
_SCENARIOS = re.compile(r"Scenarios: +(\d+)")
_LINKS = re.compile(r"API Links: +(\d+) covered / (\d+) selected")


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did: requests in all, and the scenarios in which an answer's ids went into the next request, by how
    many of the links that there are."""

    requests: int
    scenarios: int
    followed: int
    links: int

    def __str__(self) -> str:
        stateful = f"{self.scenarios} scenarios by {self.followed} of {self.links} links"
        return f"{self.requests:,} requests, {stateful} among them"


class Wrong(Exception):
    """A round that found something, or was none; it says what Schemathesis said."""


def token(url: str) -> str:
    """The access token of somebody new."""
    person = {"name": "Ada Lovelace", "email": f"{uuid4().hex}@example.com", "password": uuid4().hex}
    answer = httpx.post(f"{url}/api/v1/auth/register", json=person, timeout=90)
    return str(answer.raise_for_status().json()["accessToken"])


def fuzz(url: str, seed: int, folder: Path) -> Round:
    """One round. Raises Wrong."""
    report = folder / f"{seed}.json"
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIGURATION), "--no-color",
        "run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {token(url)}", "--checks", "all",
        "--seed", str(seed), "--max-examples", str(EXAMPLES), "--continue-on-failure", "--no-shrink",
        "--report-json-path", str(report),
    ]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        # What it learnt in another run would make this one another.
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }
    ended = subprocess.run(
        command, cwd=folder, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = json.loads(report.read_text()) if report.exists() else {}
    scenarios, links = _SCENARIOS.search(ended.stdout), _LINKS.search(ended.stdout)
    if ended.returncode or not said.get("complete") or not scenarios or not links or not int(links[1]):
        raise Wrong(ended.stdout)
    return Round(int(said["test_cases"]["generated"]), int(scenarios[1]), int(links[1]), int(links[2]))


def summary(rounds: Sequence[Round], seed: int, seconds: float) -> str:
    """What a run has done that found nothing."""
    requests, scenarios = sum(one.requests for one in rounds), sum(one.scenarios for one in rounds)
    return (
        f"{requests:,} requests in {len(rounds)} rounds from seed {seed} on, {seconds:.0f} s; {scenarios:,} scenarios "
        f"among them, by up to {max(one.followed for one in rounds)} links. 5xx: 0, outside the document: 0, wrong and "
        "accepted: 0, right and refused: 0."
    )


def main(settings: FuzzSettings) -> int:
    """The program; its status."""
    began, seed = time.monotonic(), settings.seed
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory(prefix="primetrade-fuzz-") as name, running_suite(Path(name), patient) as suite:
        while sum(one.requests for one in rounds) < settings.n:
            try:
                rounds.append(fuzz(suite.url, seed, Path(name)))
            except Wrong as found:
                print(f"{found}\nnot every answer was as documented: make fuzz N=1 SEED={seed}")
                return 1
            print(f"seed {seed}: {rounds[-1]} ({time.monotonic() - began:.0f} s)", flush=True)
            seed += 1
    print(summary(rounds, settings.seed, time.monotonic() - began))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(read_settings(FuzzSettings)))
