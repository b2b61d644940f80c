"""Tools written in Go: a command of a module, built at one version with one hash."""

import os
import re
from pathlib import Path

from chassis.testing.tools.cache import Need, Tool, ToolError
from chassis.testing.tools.commands import run

GO = Need("go", "install Go 1.25 or later")


def go_tool(name: str, module: str, command: str, version: str, hash_: str, takes: str) -> Tool:
    """The tool whose main package is `command` within the module, or the module itself; its binary has the last word
    of that as its name, a major version left aside."""
    package = f"{module}/{command}".rstrip("/")

    def build(folder: Path) -> None:
        run(["go", "install", f"{package}@{version}"], {**os.environ, "GOBIN": str(folder)})

    def check(folder: Path) -> None:
        """What `go version -m` reads out of the binary was written there by the linker."""
        told = [line.split() for line in run(["go", "version", "-m", folder / _binary(package)]).splitlines()]
        if ["mod", module, version, hash_] not in told:
            raise ToolError(f"the {name} that was built is not {version} {hash_}")

    return Tool(name, version, f"{module} {version} {hash_}", takes, (GO,), build, check)


def _binary(package: str) -> str:
    return next(word for word in reversed(package.split("/")) if not re.fullmatch(r"v[0-9]+", word))
