"""Check the contracts: `python .ci/contracts.py lint`, `… breaking` or `… breaking-rest`.

The first two check the protos with buf, the last docs/openapi.json with oasdiff. Both comparisons are of the working
tree with the version of the contract that came before it: that of main on the server, when this is ahead of it; the
last commit's, when the tree differs from it; else the one before the last commit that changed it. Without such a
version there is nothing that could break: they say so and succeed.
"""

import json
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
REST = "docs/openapi.json"


def git(*arguments: str) -> str:
    """What git answers, stripped."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words
    return done.stdout.strip()


def tool(name: str) -> Path:
    """A tool's program, built when this machine has it not."""
    command = [sys.executable, "-m", "chassis.testing.tools", name]
    told = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words
    return Path(told.stdout.rstrip("\n").rpartition("\t")[2]) / name


def buf(workspace: Path, *arguments: str) -> int:
    """Run buf in a workspace; its findings go to the standard output. The status is buf's own."""
    return subprocess.run([tool("buf"), *arguments], cwd=workspace, check=False).returncode  # noqa: S603 - our own


def oasdiff(then: Path, now: Path) -> tuple[int, str]:
    """What oasdiff says of the change from one document to another, and its status: 0 when it breaks nobody."""
    command = [str(tool("oasdiff")), "breaking", "--fail-on", "WARN", "--color", "never", str(then), str(now)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words
    return done.returncode, done.stdout


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


def published_before(contract: str) -> str | None:
    """The commit whose version of a contract the working tree must not break; None when there is none."""
    if not git("rev-list", "--max-count=1", "--all"):
        return None
    head, main = git("rev-parse", "HEAD"), git("for-each-ref", "--format=%(objectname)", "refs/remotes/origin/main")
    if main and main != head and git("ls-tree", fork := git("merge-base", main, head), "--", contract):
        return fork
    if git("status", "--porcelain", "--", contract) and git("ls-tree", "HEAD", "--", contract):
        return head
    changes = git("log", "--first-parent", "--max-count=2", "--format=%H", "HEAD", "--", contract).split()
    return changes[1] if len(changes) == 2 else None


def published(contract: str, into: Path) -> Path | None:
    """The contract as it was at that commit; None, and a word on it, when there is none."""
    before = published_before(contract)
    if before is None:
        print(f"no earlier version of {contract} to compare with: nothing can break")
        return None
    print(f"comparing with {contract} of {git('log', '-1', '--format=%h %s', before)}", flush=True)
    archive = into / "contract.tar"
    git("archive", "--format=tar", f"--output={archive}", before, contract)
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    return into / contract


def lint(folder: Path) -> int:
    """buf lint: the style of the contracts."""
    return buf(workspace(folder / "now", ROOT / CONTRACTS), "lint", "protos")


def breaking(folder: Path) -> int:
    """buf breaking: nothing that a client may rely on has gone."""
    contracts = published(CONTRACTS, folder)
    if contracts is None:
        return 0
    now = workspace(folder / "now", ROOT / CONTRACTS)
    then = workspace(folder / "then", contracts)
    return buf(now, "breaking", "protos", "--against", str(then / "protos"))


def breaking_rest(folder: Path) -> int:
    """oasdiff breaking: the same of the OpenAPI document; and that a document without one of its paths is refused."""
    poorer = json.loads((ROOT / REST).read_text())
    gone, _ = poorer["paths"].popitem()
    (folder / "poorer.json").write_text(json.dumps(poorer))
    status, said = oasdiff(ROOT / REST, folder / "poorer.json")
    if status != 1 or gone not in said:
        print(f"oasdiff does not find that {gone} has gone: status {status}\n{said}")
        return 1
    then = published(REST, folder)
    if then is None:
        return 0
    status, said = oasdiff(then, ROOT / REST)
    print(said.strip())
    return status


def main() -> None:
    """The command."""
    commands = {"lint": lint, "breaking": breaking, "breaking-rest": breaking_rest}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(f"usage: python .ci/contracts.py {'|'.join(commands)}", file=sys.stderr)
        raise SystemExit(2)
    with tempfile.TemporaryDirectory(prefix="primetrade-contracts-") as folder:
        raise SystemExit(commands[sys.argv[1]](Path(folder)))


if __name__ == "__main__":
    main()
