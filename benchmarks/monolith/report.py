"""The figures as a part of a page, and as its picture."""

from collections.abc import Mapping, Sequence

from benchmarks.monolith.comparison import ratio
from benchmarks.monolith.operations import OPERATIONS, Operation
from benchmarks.monolith.plot import as_svg
from benchmarks.monolith.run import KAFKA, MONGO, OURS, Found
from benchmarks.monolith.sides import AFTER, ANSWERED, CLIENT, CPU, PEER, PERCENTILES, RATE, SUITE
from benchmarks.publishing import today
from benchmarks.rounds import Rounds, Spread, spread

PICTURE = "performance.svg"
_SERVICES = ("auth", "users", "tasks")
_COLOURS = {
    "gateway": "#0969da", "services": "#54aeff", "notify": "#a371f7", "kafka": "#d4a72c", "mongo": "#2da44e",
    "peer": "#cf222e",
}  # fmt: skip


def as_part(facts: Mapping[str, str], sizes: Mapping[str, int], found: Found) -> str:
    """The tables. Ratios are of medians within this run."""
    races = {name: rounds for name, rounds in found.measured.items() if not _operation(name).alone}
    alone = {name: rounds for name, rounds in found.measured.items() if _operation(name).alone}
    usual = {name: rounds for name, rounds in races.items() if name.endswith("=32")} or races
    return "\n".join([
        f"Measured on {today()} by `make bench`, which writes what follows. {sizes['people']:,} people with "
        f"{sizes['tasks']:,} tasks each; {sizes['requests']:,} requests a round, {sizes['rounds']} rounds, the sides "
        "in turn; medians, with the least and the most. Every figure: `benchmarks/monolith/results.json`.",
        "",
        *(f"- {name}: {fact}" for name, fact in facts.items()),
        "",
        f"![CPU of a request by operation]({PICTURE})",
        "",
        "### CPU of a request",
        "",
        "Milliseconds of user and system time of all processes that serve a side, engines included, beyond what the "
        "same time takes when nobody asks. *Until answered*: when the last answer was there; what the suite does "
        "after it is the rest of its events. Ratios are the peer's CPU by the suite's: above 1 the suite wins.",
        "",
        "| | suite | until answered | peer | ratio | ratio until answered |",
        "|---|---|---|---|---|---|",
        *(
            f"| {_title(name)} | {_of(rounds, SUITE, CPU)} | {_of(rounds, SUITE, ANSWERED).median:.2f} | "
            f"{_of(rounds, PEER, CPU)} | **{ratio(rounds):.2f}** | {ratio(rounds, ANSWERED):.2f} |"
            for name, rounds in usual.items()
        ),
        "",
        "### By process",
        "",
        "The same, all of it, in CPU-ms/request; the client that asks is counted nowhere else.",
        "",
        *_by_process(usual),
        "",
        "### Times",
        "",
        "As long as a client waits, in milliseconds, and what goes through in a second, while both sides have the "
        "cores that the client leaves them. Of so few requests a round the last thousandth is the slowest one.",
        "",
        *_times(races),
        "",
        *_login(alone),
        "### When nobody asks, and memory",
        "",
        "CPU in thousandths of a core; the most resident memory that was seen after a round, in MiB.",
        "",
        "| | at rest | memory |",
        "|---|---|---|",
        *(
            f"| {name} | {found.idle[SUITE][name] * 1000:.1f} | {found.peak[SUITE][name]:,.0f} |"
            for name in (*OURS, KAFKA, MONGO)
        ),
        f"| peer | {found.idle[PEER][PEER] * 1000:.1f} | {found.peak[PEER][PEER]:,.0f} |",
        "",
    ])  # fmt: skip


def as_picture(found: Found) -> str:
    """Bars of what the page's first table says, and of what takes it."""
    bars = {
        name.partition(" ")[0]: [(SUITE, _parts(rounds)), (PEER, _peers_parts(rounds))]
        for name, rounds in found.measured.items()
        if name.endswith("=32") and not _operation(name).alone
    }
    return as_svg("CPU of a request, ms, 32 at once", bars, _COLOURS)


def _parts(rounds: Rounds) -> Sequence[tuple[str, float]]:
    took = {name: _of(rounds, SUITE, f"{CPU} {name}").median for name in (*OURS, KAFKA, MONGO)}
    services = sum(took[name] for name in _SERVICES)
    return [
        ("gateway", took["gateway"]), ("services", services), (MONGO, took[MONGO]), ("notify", took["notify"]),
        (KAFKA, took[KAFKA]),
    ]  # fmt: skip


def _peers_parts(rounds: Rounds) -> Sequence[tuple[str, float]]:
    return [(name, _of(rounds, PEER, f"{CPU} {name}").median) for name in (PEER, MONGO)]


def _by_process(measured: Mapping[str, Rounds]) -> list[str]:
    ours, theirs = (*OURS, MONGO, KAFKA), (PEER, MONGO)
    columns = [*((SUITE, f"{CPU} {name}") for name in ours), (SUITE, AFTER), (SUITE, CLIENT)]
    columns += [*((PEER, f"{CPU} {name}") for name in theirs), (PEER, CLIENT)]
    heads = [*ours, "of it after answering", "client", *(f"{name}, peer's" for name in theirs), "client, peer's"]
    return [
        f"| | {' | '.join(heads)} |",
        "|---" * (len(heads) + 1) + "|",
        *(
            f"| {_title(name)} | {' | '.join(f'{_of(rounds, *column).median:.2f}' for column in columns)} |"
            for name, rounds in measured.items()
        ),
    ]


def _times(measured: Mapping[str, Rounds]) -> list[str]:
    return [
        f"| | at once | | requests/s | {' | '.join(PERCENTILES)} |",
        "|---" * (4 + len(PERCENTILES)) + "|",
        *(
            f"| {_title(name)} | {name.rpartition('=')[2]} | {side} | "
            f"{' | '.join(str(_of(rounds, side, figure)) for figure in (RATE, *PERCENTILES))} |"
            for name, rounds in measured.items()
            for side in (SUITE, PEER)
        ),
    ]


def _login(measured: Mapping[str, Rounds]) -> list[str]:
    lines = []
    for name, rounds in measured.items():
        suite, peer = (_of(rounds, side, CPU) for side in (SUITE, PEER))
        lines += [f"{_title(name).capitalize()}, no race: CPU-ms of the suite {suite}, of the peer {peer}.", ""]
    return lines


def _of(rounds: Rounds, side: str, figure: str) -> Spread:
    return spread(rounds[side], figure)


def _operation(name: str) -> Operation:
    return OPERATIONS[name.partition(" ")[0]]


def _title(name: str) -> str:
    return _operation(name).title
