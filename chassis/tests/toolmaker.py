"""A process that needs a tool which takes long to build: `python -m chassis.tests.toolmaker FOLDER`.

In FOLDER a line is added to `builds` for each build, which then lasts until there is a file `go`. Prints where it is.
"""

import sys
import time
from pathlib import Path

from chassis.testing.tools.cache import Need, Tool, obtain


def slow_tool(outside: Path) -> Tool:
    """A tool of one file."""

    def build(folder: Path) -> None:
        (folder / "binary").write_text("half")
        with (outside / "builds").open("a") as builds:
            builds.write("built\n")
        while not (outside / "go").exists():
            time.sleep(0.01)
        (folder / "binary").write_text("whole")

    needs = (Need("python3", "install Python"),)
    return Tool("slow", "1", "recipe", "until told to go on", needs, build, lambda _: None)


if __name__ == "__main__":
    print(obtain(slow_tool(Path(sys.argv[1]))))
