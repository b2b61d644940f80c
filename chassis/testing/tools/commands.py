"""Running the commands that build a tool."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from chassis.testing.tools.cache import ToolError


def run(command: Sequence[object], environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command; what it wrote to its standard output. Raises ToolError with the end of all it said."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip()[-3000:]
        raise ToolError(f"`{' '.join(words)}` ended with {done.returncode}:\n{said}")
    return done.stdout
