"""Hold a suite against its own OpenAPI document: `python -m tests.fuzz`, or `make fuzz N=5000 SEED=7`; see settings.py.

Rounds of Schemathesis, each as a person of its own, until there were N requests. Ends with 0 when every answer was as
documented: no 5xx, nothing outside the schema, nothing wrong accepted, nothing right refused.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import httpx

from chassis.settings import read_settings
from deploy.local.testing import patient, running_suite
from tests.fuzz.settings import FuzzSettings

ROOT = Path(__file__).parents[2]
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 60
"""Of each operation and phase in a round: about 2,500 requests, over long before the access token expires."""


def token(url: str) -> str:
    """The access token of somebody new."""
    person = {"name": "Ada Lovelace", "email": f"{uuid4().hex}@example.com", "password": uuid4().hex}
    answer = httpx.post(f"{url}/api/v1/auth/register", json=person, timeout=90)
    return str(answer.raise_for_status().json()["accessToken"])


def fuzz(url: str, seed: int, folder: Path) -> tuple[int, bool]:
    """One round: how many requests it made, and whether every answer was right. Its findings go to the output."""
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
    if ended.returncode or not report.exists():
        print(ended.stdout, flush=True)
        return 0, False
    return int(json.loads(report.read_text())["test_cases"]["generated"]), True


def main(settings: FuzzSettings) -> int:
    """The program; its status."""
    began, requests, seed = time.monotonic(), 0, settings.seed
    with tempfile.TemporaryDirectory(prefix="primetrade-fuzz-") as name, running_suite(Path(name), patient) as suite:
        while requests < settings.n:
            made, right = fuzz(suite.url, seed, Path(name))
            if not right:
                print(f"SEED={seed}: not every answer was as documented")
                return 1
            requests, seed = requests + made, seed + 1
            print(f"{requests} requests, every answer as documented ({time.monotonic() - began:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(read_settings(FuzzSettings)))
