"""Check the contracts with buf: `python .ci/contracts.py lint` or `… breaking`.

`breaking` compares the working tree with the version of the contracts that came before it: that of main on the server,
when this is ahead of it; the last commit's, when the tree differs from it; else the one before the last commit that
changed them. Without such a version there is nothing that could break: it says so and succeeds.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import files
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CONTRACTS = "protos/primetrade"


def git(*arguments: str) -> str:
    """What git answers, stripped."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words
    return done.stdout.strip()


def buf(workspace: Path, *arguments: str) -> int:
    """Run buf in a workspace; its findings go to the standard output. The status is buf's own."""
    tool = [sys.executable, "-m", "chassis.testing.tools", "buf"]
    told = subprocess.run(tool, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - our own
    folder = Path(told.rstrip("\n").rpartition("\t")[2])
    return subprocess.run([folder / "buf", *arguments], cwd=workspace, check=False).returncode  # noqa: S603 - our own


def workspace(into: Path, contracts: Path) -> Path:
    """Make a buf workspace of these contracts, in its module `protos`, and the google protos that they import."""
    module, google = into / "protos", into / "google"
    shutil.copytree(contracts, module / "primetrade")
    for file in files("googleapis-common-protos") or []:
        if file.suffix == ".proto":
            target = google / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
    rules = yaml.safe_load((ROOT / "buf.yaml").read_text())
    rules["modules"] = [{"path": "protos"}, {"path": "google"}]
    (into / "buf.yaml").write_text(yaml.safe_dump(rules))
    return into


def published_before() -> str | None:
    """The commit whose contracts the working tree must not break; None when there is none."""
    if not git("rev-list", "--max-count=1", "--all"):
        return None
    head, main = git("rev-parse", "HEAD"), git("for-each-ref", "--format=%(objectname)", "refs/remotes/origin/main")
    if main and main != head and git("ls-tree", main, "--", CONTRACTS):
        return git("merge-base", main, head)
    if git("status", "--porcelain", "--", CONTRACTS) and git("ls-tree", "HEAD", "--", CONTRACTS):
        return head
    changes = git("log", "--first-parent", "--max-count=2", "--format=%H", "HEAD", "--", CONTRACTS).split()
    return changes[1] if len(changes) == 2 else None


def extract(commit: str, into: Path) -> Path:
    """The contracts as they were at a commit."""
    archive = into / "contracts.tar"
    git("archive", "--format=tar", f"--output={archive}", commit, CONTRACTS)
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    return into / CONTRACTS


def lint(folder: Path) -> int:
    """buf lint: the style of the contracts."""
    return buf(workspace(folder / "now", ROOT / CONTRACTS), "lint", "protos")


def breaking(folder: Path) -> int:
    """buf breaking: nothing that a client may rely on has gone."""
    before = published_before()
    if before is None:
        print("no earlier version of the contracts to compare with: nothing can break")
        return 0
    print(f"comparing with the contracts of {git('log', '-1', '--format=%h %s', before)}")
    now = workspace(folder / "now", ROOT / CONTRACTS)
    then = workspace(folder / "then", extract(before, folder))
    return buf(now, "breaking", "protos", "--against", str(then / "protos"))


def main() -> None:
    """The command."""
    commands = {"lint": lint, "breaking": breaking}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(f"usage: python .ci/contracts.py {'|'.join(commands)}", file=sys.stderr)
        raise SystemExit(2)
    with tempfile.TemporaryDirectory(prefix="primetrade-contracts-") as folder:
        raise SystemExit(commands[sys.argv[1]](Path(folder)))


if __name__ == "__main__":
    main()
