"""The figures and the findings as a page."""

from collections.abc import Mapping

from benchmarks.publishing import today
from benchmarks.rounds import Rounds, spread
from benchmarks.servers.arms import ARMS, HTTPTOOLS
from benchmarks.servers.client import AT_ONCE
from benchmarks.servers.cost import CPU
from benchmarks.servers.manners import Manners


def as_page(facts: Mapping[str, str], sizes: Mapping[str, int], rounds: Rounds, manners: Mapping[str, Manners]) -> str:
    """The page. Ratios are of medians within this run."""
    base = spread(rounds[HTTPTOOLS.name], CPU)
    return "\n".join([
        "# What the HTTP servers cost, and how they behave",
        "",
        f"Measured on {today()} by `make bench-servers`, which writes this page; what follows from it is in "
        "[ADR 0025](adr/0025-the-http-server.md). Every figure: `benchmarks/servers/results.json`.",
        "",
        *(f"- {name}: {fact}" for name, fact in facts.items()),
        "",
        "## CPU of a request",
        "",
        f"A bare ASGI application that answers 300 bytes, one worker, uvloop, {AT_ONCE} requests at once: HTTP/1.1 "
        f"over {AT_ONCE} connections, HTTP/2 over one. User and system time of the server's processes, "
        f"{sizes['requests']:,} requests a round, {sizes['rounds']} rounds, the servers in turn; medians, with the "
        "least and the most.",
        "",
        "| | CPU-ms/request | × uvicorn (httptools) |",
        "|---|---|---|",
        *(
            f"| {arm.name} | {spread(rounds[arm.name], CPU)} | {spread(rounds[arm.name], CPU).times(base)} |"
            for arm in ARMS
        ),
        "",
        "## Manners",
        "",
        "Of HTTP/1.1, the requests of `gateway/tests/malformed.py`, each followed by a good one: right is a server "
        "that gives the application as many requests as there are. *Heard too much* names those where it gave more, "
        "which is how a request is smuggled. Of HTTP/2, the tables of `gateway/tests/malformed_http2.py`. *Half a "
        "head* is a head that never ends. *SIGTERM* comes while a request is being served and another connection is "
        "idle. What is named is a part; `results.json` has all.",
        "",
        *_table([arm.name for arm in ARMS if not arm.h2], manners),
        "",
        *_table([arm.name for arm in ARMS if arm.h2], manners),
        "",
    ])  # fmt: skip


def _table(names: list[str], manners: Mapping[str, Manners]) -> list[str]:
    columns = [column for column in manners[names[0]] if not column.startswith("all ")]
    return [
        f"| | {' | '.join(columns)} |",
        "|---" * (len(columns) + 1) + "|",
        *(
            f"| {name.partition(',')[0]} | {' | '.join(manners[name][column] for column in columns)} |"
            for name in names
        ),
    ]
