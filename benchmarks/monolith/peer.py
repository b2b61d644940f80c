"""The monolith of benchmarks/peer as a process. Its packages come from npm, once per machine, as its lock has them."""

import contextlib
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chassis.testing.engines.servers import running
from chassis.testing.ports import free_port
from chassis.testing.tools.cache import Need, Tool, obtain
from chassis.testing.tools.commands import run

FOLDER = Path(__file__).parents[1] / "peer"
_PINNED = ("package.json", "package-lock.json", ".npmrc")
_LOADED = "for (const name in require('./package.json').dependencies) require(name)"


def _build(folder: Path) -> None:
    for name in _PINNED:
        shutil.copy(FOLDER / name, folder)
    # bcrypt brings its binary with it: no package has to run a script.
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)


def _check(folder: Path) -> None:
    """npm has held every package to the lock's hash. Left to see is that they load on this machine."""
    run(["node", "--eval", _LOADED], cwd=folder)


PACKAGES = Tool(
    name="peer",
    version="1.0.0",
    recipe="".join((FOLDER / name).read_text() for name in _PINNED),
    takes="half a minute",
    needs=(Need("node", "install Node 20 or later"), Need("npm", "install Node 20 or later, which brings it")),
    build=_build,
    check=_check,
)
"""What the monolith is made of. Raises ToolError."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A monolith that runs."""

    url: str
    pid: int
    database: str


@contextlib.contextmanager
def running_peer(
    mongo_url: str, folder: Path, settings: Mapping[str, str] | None = None, database: str = "peer"
) -> Iterator[Peer]:
    """The monolith inside the block, in production mode, its limit out of the way, its log in `folder`."""
    port, (server, slash, options) = free_port(), mongo_url.rpartition("/")
    environment = {
        "NODE_ENV": "production",
        "NODE_PATH": str(obtain(PACKAGES) / "node_modules"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "MONGODB_URI": f"{server}{slash}{database}{options}",
        "JWT_SECRET": secrets.token_urlsafe(48),
        "JWT_SECONDS": "86400",
        "RATE_LIMIT": "100000000",
        "LOG_FILE": str(folder / "combined.log"),
        **(settings or {}),
    }
    with running(["node", str(FOLDER / "server.js")], folder / "peer.log", port, environment) as pid:
        yield Peer(f"http://127.0.0.1:{port}", pid, database)
