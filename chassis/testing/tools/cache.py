"""Where the tools are kept: `$PRIMETRADE_CACHE`, else `primetrade` in the user's cache folder.

A folder `<name>-<version>` appears there by one rename, when everything in it has been built and checked, together with
a manifest: the recipe it was built by and the SHA-256 of every file. Before each use all of it is verified; what is not
as the manifest says is built anew. Of several processes that miss a tool one builds it and the others wait; what an
interrupted build left is swept by the next.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MANIFEST = "manifest.json"

Say = Callable[[str], None]


class ToolError(Exception):
    """A tool cannot be had; the message says why and what to do."""


class CacheSettings(BaseSettings):
    """Where the cache is. An environment variable is the upper-case name of its field."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    primetrade_cache: Path | None = Field(default=None, description="the cache itself")
    xdg_cache_home: Path = Path("~/.cache")

    @property
    def root(self) -> Path:
        """The cache's folder."""
        return (self.primetrade_cache or self.xdg_cache_home / "primetrade").expanduser().absolute()


@dataclass(frozen=True, slots=True)
class Need:
    """A command that building or running takes, and how to get it."""

    command: str
    how: str


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that is built once per machine.

    `recipe` holds everything that pins the result: with another one, what is kept is built anew. `build` is given an
    empty folder and raises ToolError when it cannot fill it; `check` raises ToolError unless the result is as pinned.
    """

    name: str
    version: str
    recipe: str
    takes: str
    needs: tuple[Need, ...]
    build: Callable[[Path], None]
    check: Callable[[Path], None]

    @property
    def folder(self) -> Path:
        """Where it is once it has been built."""
        return CacheSettings().root / f"{self.name}-{self.version}"


def obtain(tool: Tool, say: Say = lambda line: print(line, file=sys.stderr, flush=True)) -> Path:
    """The tool's folder, verified; built first when it is missing or damaged. Raises ToolError."""
    if verified(tool):
        return tool.folder
    require(tool)
    with _alone(tool, say):
        if not verified(tool):  # another process may have built it meanwhile
            _build(tool, say)
    return tool.folder


def verified(tool: Tool) -> bool:
    """Whether the tool is kept, by this recipe, with every file as it was built and none besides."""
    try:
        manifest = json.loads((tool.folder / MANIFEST).read_text())
        return bool(manifest == _manifest(tool, tool.folder))
    except (OSError, ValueError):
        return False


def require(tool: Tool) -> None:
    """Raises ToolError naming the commands that are missing and how to get them."""
    if missing := [need for need in tool.needs if shutil.which(need.command) is None]:
        ways = "; ".join(f"{need.command} is not on PATH: {need.how}" for need in missing)
        raise ToolError(f"{tool.name} {tool.version} cannot be built: {ways}")


def installed(need: Need) -> Path:
    """Where a command is that only the machine itself can bring. Raises ToolError naming it and how to get it."""
    if (path := shutil.which(need.command)) is None:
        raise ToolError(f"{need.command} is not on PATH: {need.how}")
    return Path(path)


@contextlib.contextmanager
def _alone(tool: Tool, say: Say) -> Iterator[None]:
    """Hold the tool's lock. The system releases it when its holder dies."""
    root = tool.folder.parent
    root.mkdir(parents=True, exist_ok=True)
    with (root / f".{tool.folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{tool.name} {tool.version} is being built by another process: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(tool: Tool, say: Say) -> None:
    root, unfinished = tool.folder.parent, f".{tool.folder.name}.new."
    for left in root.glob(f"{unfinished}*"):
        shutil.rmtree(left)
    say(f"building {tool.name} {tool.version}, once on this machine ({tool.takes})")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=root, prefix=unfinished) as scratch:
        built, replaced = Path(scratch) / "built", Path(scratch) / "replaced"
        built.mkdir()
        tool.build(built)
        tool.check(built)
        (built / MANIFEST).write_text(json.dumps(_manifest(tool, built), indent=1))
        if tool.folder.exists():
            os.rename(tool.folder, replaced)
        os.rename(built, tool.folder)
    say(f"built {tool.name} {tool.version} in {time.monotonic() - began:.0f} s")


def _manifest(tool: Tool, folder: Path) -> Mapping[str, object]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return {
        "recipe": hashlib.sha256(tool.recipe.encode()).hexdigest(),
        "files": {str(path.relative_to(folder)): sha256(path) for path in files},
    }


def sha256(path: Path) -> str:
    """A file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
