"""`python -m chassis.testing.tools [NAME…]`: have these tools ready, all of them by default, and say how it went.

A line for each: its name, whether it was kept (warm) or had to be built (cold), how long that took, and its folder; of
what the machine has to bring itself, where it is. Status 1 when one cannot be had.
"""

import sys
import time

from chassis.testing.tools.buf import BUF
from chassis.testing.tools.cache import Need, Tool, ToolError, installed, obtain, verified
from chassis.testing.tools.kafka import KAFKA
from chassis.testing.tools.nginx import NGINX
from chassis.testing.tools.oasdiff import OASDIFF
from chassis.testing.tools.redis import REDIS
from chassis.testing.tools.secantus import SECANTUS
from chassis.testing.tools.toxiproxy import TOXIPROXY
from chassis.testing.tools.vegeta import VEGETA

TOOLS = {tool.name: tool for tool in (BUF, OASDIFF, KAFKA, SECANTUS, TOXIPROXY, VEGETA)}
INSTALLED = {need.command: need for need in (NGINX, REDIS)}


def main(names: list[str]) -> int:
    """The command; its status."""
    known: dict[str, Tool | Need] = {**TOOLS, **INSTALLED}
    if unknown := [name for name in names if name not in known]:
        print(f"no tool {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        for name in names or known:
            tool = known[name]
            began = time.monotonic()
            state = "installed" if isinstance(tool, Need) else "warm" if verified(tool) else "cold"
            path = installed(tool) if isinstance(tool, Need) else obtain(tool)
            print(f"{name}\t{state}\t{time.monotonic() - began:.1f} s\t{path}", flush=True)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
