"""The workflows can be read, pin what they use, may do little and end by themselves. So can every other YAML file."""

import re
import subprocess

import pytest
import yaml

from tests.contract.deployment import PROCESSES, ROOT, Document, load, problems

WORKFLOWS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / ".github/workflows").glob("*.y*ml"))
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@(v\d+\.\d+(\.\d+)?|[0-9a-f]{40})$")

per_workflow = pytest.mark.parametrize("path", WORKFLOWS)


def jobs(path: str) -> dict[str, Document]:
    found: dict[str, Document] = load(path)["jobs"]
    return found


def test_every_yaml_file_can_be_read() -> None:
    folders = [ROOT / name for name in ("deploy", ".github", "docs")]
    files = [*ROOT.glob("*.y*ml"), *(path for folder in folders for path in folder.rglob("*.y*ml"))]
    assert files
    for file in files:
        assert list(yaml.safe_load_all(file.read_text())), file


@per_workflow
def test_a_workflow_follows_its_schema(path: str) -> None:
    assert problems("github-workflows", ROOT / path) == ""


@per_workflow
def test_a_workflow_pins_its_actions(path: str) -> None:
    used = re.findall(r"uses:\s*(\S+)", (ROOT / path).read_text())
    assert [action for action in used if not action.startswith("./") and not PINNED.match(action)] == []


@per_workflow
def test_a_workflow_may_do_nothing_it_does_not_ask_for(path: str) -> None:
    assert load(path)["permissions"] == {}
    assert load(path)["concurrency"]["group"]
    assert all(
        "permissions" in job and job["timeout-minutes"] <= 90 for job in jobs(path).values() if "uses" not in job
    )


def test_a_release_is_tested_built_pushed_and_deployed_in_this_order() -> None:
    release = jobs(".github/workflows/release.yml")
    assert {name: job.get("needs") for name, job in release.items()} == {
        "test": None, "images": "test", "deploy": "images"
    }  # fmt: skip
    built = [image["name"] for image in release["images"]["strategy"]["matrix"]["image"]]
    assert built == [*PROCESSES, "otel-collector"]


@pytest.mark.parametrize(
    "script", [".ci/run", "deploy/docker/install.sh", "deploy/docker/assemble.sh", "deploy/docker/uv.sh"]
)
def test_a_script_can_be_read_by_its_shell(script: str) -> None:
    shell = "bash" if script.startswith(".ci/") else "sh"
    subprocess.run([shell, "-n", ROOT / script], check=True)
