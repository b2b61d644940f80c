"""Every service has the same rooms, and nothing crosses the arrows between them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("auth", "users", "tasks", "notify")
FILES = ("__init__.py", "__main__.py", "app.py", "settings.py", "api.py", "consumers.py", "jobs.py")
FOLDERS = ("domain", "usecases", "store", "tests")


def test_the_services_are_the_ones_of_the_design() -> None:
    found = {path.name for path in (ROOT / "services").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert found == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_rooms_that_every_service_has(service: str) -> None:
    home = ROOT / "services" / service
    missing = [name for name in FILES if not (home / name).is_file()]
    missing += [name for name in FOLDERS if not any((home / name).glob("*.py"))]
    assert not missing


@pytest.mark.parametrize("package", [*(f"services/{service}" for service in SERVICES), "gateway", "chassis"])
def test_a_package_says_what_it_is(package: str) -> None:
    text = (ROOT / package / "__init__.py").read_text()
    assert ast.get_docstring(ast.parse(text)), f"{package}/__init__.py has no docstring"


def test_every_use_case_file_defines_the_use_case_it_is_named_for() -> None:
    strays = []
    for path in ROOT.glob("services/*/usecases/[!_]*.py"):
        body = ast.parse(path.read_text()).body
        names = {node.name for node in body if isinstance(node, ast.AsyncFunctionDef | ast.ClassDef)}
        if not names & {path.stem, path.stem.title().replace("_", "")}:
            strays.append(str(path.relative_to(ROOT)))
    assert not strays


def test_settings_are_the_only_readers_of_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for folder in ("chassis", "services", "gateway")
        for path in (ROOT / folder).rglob("*.py")
        if not {"tests", "testing"} & set(path.parts) and "os.environ" in path.read_text()
    ]
    assert not readers


def test_imports_follow_the_arrows() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
