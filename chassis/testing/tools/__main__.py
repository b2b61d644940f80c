"""`python -m chassis.testing.tools [NAME…]`: have these tools ready, all of them by default, and say how it went.

A line for each: its name, whether it was kept (warm) or had to be built (cold), how long that took, and its folder.
Status 1 when one cannot be had.
"""

import sys
import time

from chassis.testing.tools.buf import BUF
from chassis.testing.tools.cache import ToolError, obtain, verified
from chassis.testing.tools.kafka import KAFKA
from chassis.testing.tools.secantus import SECANTUS
from chassis.testing.tools.toxiproxy import TOXIPROXY

TOOLS = {tool.name: tool for tool in (BUF, KAFKA, SECANTUS, TOXIPROXY)}


def main(names: list[str]) -> int:
    """The command; its status."""
    if unknown := [name for name in names if name not in TOOLS]:
        print(f"no tool {', '.join(unknown)}; there are {', '.join(TOOLS)}", file=sys.stderr)
        return 2
    try:
        for name in names or TOOLS:
            began = time.monotonic()
            state = "warm" if verified(TOOLS[name]) else "cold"
            folder = obtain(TOOLS[name])
            print(f"{name}\t{state}\t{time.monotonic() - began:.1f} s\t{folder}", flush=True)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
