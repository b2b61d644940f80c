"""`make setup` finds a Python that works, says what is missing, does nothing twice and recovers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "deploy" / "local" / "setup.sh"

# A Python that answers questions like a real one, but only notes what it would install.
FAKE = f"""#!/bin/sh
case "$1 $2" in
"-m venv")
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    printf '#!/bin/sh\\necho uv >>done.log\\n' >.venv/bin/uv
    chmod 755 .venv/bin/uv
    echo venv >>done.log
    ;;
"-m pip")
    [ ! -f no-network ] || exit 1
    echo pip >>done.log
    ;;
"-c import venv, ensurepip") [ ! -f no-venv ] ;;
*) exec {sys.executable} "$@" ;;
esac
"""


class Checkout:
    """A folder with a lock and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir()
        (folder / "protos").mkdir()
        (folder / "protos" / "pyproject.toml").write_text("")
        (folder / "requirements.lock").write_text("uv==1 \\\n    --hash=sha256:0\nzipp==1\n")
        for name in ("sh", "awk", "cat", "cksum", "mkdir", "cp", "chmod", "rm"):
            (self.bin / name).symlink_to(next(p for d in ("/bin", "/usr/bin") if (p := Path(d, name)).exists()))

    def python(self, name: str, text: str = FAKE, folder: str = "bin") -> None:
        path = self.folder / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def setup(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        (self.folder / "done.log").write_text("")
        variables = {"PATH": f"{self.bin}:{self.folder / 'more'}", **environment}
        return subprocess.run(
            ["sh", SCRIPT], cwd=self.folder, env=variables, capture_output=True, text=True, check=False
        )

    @property
    def done(self) -> list[str]:
        return (self.folder / "done.log").read_text().split()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_without_python_it_says_which_and_the_other_way(checkout: Checkout) -> None:
    answer = checkout.setup()
    assert answer.returncode == 1
    assert "No Python 3.11, 3.12 or 3.13 on PATH" in answer.stderr
    assert "docker compose up" in answer.stderr


def test_a_shim_that_fails_is_passed_over(checkout: Checkout) -> None:
    checkout.python("python3.13", "#!/bin/sh\nexit 127\n")
    checkout.python("python3.13", folder="more")
    assert checkout.setup().returncode == 0
    assert checkout.done == ["venv", "pip", "uv", "pip"]


def test_another_version_is_refused(checkout: Checkout) -> None:
    checkout.python("old", "#!/bin/sh\nexit 1\n")
    answer = checkout.setup(PYTHON=str(checkout.bin / "old"))
    assert answer.returncode == 1
    assert "is not a Python 3.11, 3.12 or 3.13" in answer.stderr


def test_a_missing_venv_module_names_its_package(checkout: Checkout) -> None:
    checkout.python("python3")
    (checkout.folder / "no-venv").touch()
    answer = checkout.setup()
    assert answer.returncode == 1
    assert f"apt install python3.{sys.version_info.minor}-venv" in answer.stderr


def test_a_second_call_does_nothing_until_the_lock_changes(checkout: Checkout) -> None:
    checkout.python("python3")
    checkout.setup()
    second = checkout.setup()
    assert (second.returncode, second.stdout, checkout.done) == (0, "", [])
    with (checkout.folder / "requirements.lock").open("a") as lock:
        lock.write("more==1\n")
    assert checkout.setup().returncode == 0
    assert checkout.done == ["pip", "uv", "pip"]


def test_an_interrupted_setup_goes_on(checkout: Checkout) -> None:
    checkout.python("python3")
    (checkout.folder / "no-network").touch()
    assert checkout.setup().returncode != 0
    (checkout.folder / "no-network").unlink()
    assert checkout.setup().returncode == 0
    assert checkout.setup().stdout == ""


def test_make_alone_lists_every_target() -> None:
    make = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    listed = subprocess.run(["make"], cwd=ROOT, env=make, capture_output=True, text=True, check=True).stdout
    targets = [line.split()[1] for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY: ")]
    assert {"setup", "run", "start", "stop", "status", "demo", "test", "tail", "lint", "format"} <= set(targets)
    assert {"types", "protos", "lock", "secrets", "clean", "ci"} <= set(targets)
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("  ")] == targets
