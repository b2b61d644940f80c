"""What the deployment files say, read once for the tests of this folder."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from chassis.settings import Settings

ROOT = Path(__file__).parents[2]
PROCESSES = ("gateway", "auth", "users", "tasks", "notify")

Document = dict[str, Any]


def load(path: str) -> Document:
    """A YAML or JSON file of the checkout."""
    text = (ROOT / path).read_text()
    document: Document = json.loads(text) if path.endswith(".json") else yaml.safe_load(text)
    return document


def compose() -> Document:
    """The compose file, its anchors resolved."""
    return load("docker-compose.yml")


def problems(schema: str, path: Path) -> str:
    """What check-jsonschema finds in a file by a schema that it brings; empty when the file follows it."""
    check = Path(sys.executable).with_name("check-jsonschema")
    command = [str(check), "--builtin-schema", f"vendor.{schema}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def substituted(text: str) -> dict[str, str]:
    """The `${VARIABLE…}` of a text with what follows the name: `:-default`, `:?error` or nothing."""
    return dict(re.findall(r"\$\{([A-Z_]+)([^}]*)\}", text))


def settings_of(process: str) -> type[Settings]:
    """The settings object of a process."""
    module = __import__(_package(process) + ".settings", fromlist=["Settings"])
    kind: type[Settings] = module.Settings
    return kind


def _package(process: str) -> str:
    return process if process == "gateway" else f"services.{process}"
