"""The figures as a page, which says what they mean."""

from collections.abc import Mapping

from benchmarks.gateway import arms, tokens
from benchmarks.gateway.client import CONNECTIONS
from benchmarks.publishing import today
from benchmarks.rounds import Rounds, spread

Sections = Mapping[str, Rounds]


def as_page(facts: Mapping[str, str], sizes: Mapping[str, int], sections: Sections) -> str:
    """The page. Ratios are of medians within this run: machines differ, ratios stay."""
    return "\n".join([
        "# What the gateway costs",
        "",
        f"Measured on {today()} by `make bench-gateway`, which writes this page. {sizes['rounds']} rounds, the arms "
        "in turn; medians, with the least and the most of the rounds. Every figure: `benchmarks/gateway/results.json`.",
        "",
        *(f"- {name}: {fact}" for name, fact in facts.items()),
        "",
        *_requests(sections["requests"], sizes["requests"]),
        *_tokens(sections["tokens"]),
    ])  # fmt: skip


def _requests(rounds: Rounds, requests: int) -> list[str]:
    base = spread(rounds[arms.BARE["asgi"]], arms.CPU)
    fastapi = spread(rounds[arms.BARE["raw"]], arms.CPU)
    return [
        "## CPU of a request",
        "",
        f"{requests} requests a round, four times as many to the bare ones and a quarter of it with new tokens, over "
        f"{CONNECTIONS} connections that stay open, one at a time on each; user and system time of the process that is "
        "asked, all its threads, less what it takes in that time when nobody asks. The bare ones answer a task that "
        "they have at hand, on the gateway's HTTP server. The gateway is that of a whole suite, with its limits, log "
        "and metrics on; what it adds is verification, counting, reading, the call by gRPC and the mapping of both "
        "sides. What the services cost is not in it; hearing the events of what was created is: the next one begins "
        "when all are published and read. A token not met before is checked by its signature.",
        "",
        "| | CPU-ms/request | × bare ASGI | × FastAPI | requests/s |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {spread(figures, arms.CPU)} | {spread(figures, arms.CPU).times(base)} | "
            f"{spread(figures, arms.CPU).times(fastapi)} | {spread(figures, arms.RATE)} |"
            for name, figures in rounds.items()
        ),
        "",
    ]


def _tokens(rounds: Rounds) -> list[str]:
    return [
        "## CPU of a token's check",
        "",
        "The verifier alone, as every process has it.",
        "",
        "| | CPU-µs/token |",
        "|---|---|",
        *(f"| {name} | {spread(figures, tokens.CPU)} |" for name, figures in rounds.items()),
        "",
    ]
