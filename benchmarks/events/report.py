"""The figures as a page, which says what they mean."""

from collections.abc import Mapping

from benchmarks.events import cost, latency, throughput
from benchmarks.publishing import today
from benchmarks.rounds import Rounds, spread

Sections = Mapping[str, Rounds]


def as_page(facts: Mapping[str, str], sizes: Mapping[str, int], sections: Sections) -> str:
    """The page. Ratios are of medians within this run: machines differ, ratios stay."""
    return "\n".join([
        "# What the event backbone costs",
        "",
        f"Measured on {today()} by `make bench-events`, which writes this page. {sizes['rounds']} rounds, the arms in "
        "turn; medians, with the least and the most of the rounds. Every figure: `benchmarks/events/results.json`.",
        "",
        *(f"- {name}: {fact}" for name, fact in facts.items()),
        "",
        *_latency(sections["latency"], sizes["writes"]),
        *_throughput(sections["throughput"], sizes["events"]),
        *_cost(sections["cost"], sizes["messages"]),
    ])  # fmt: skip


def _latency(rounds: Rounds, writes: int) -> list[str]:
    ours, bare = rounds[latency.CHASSIS], rounds[latency.BARE]
    rest, base = spread(ours, latency.REST_P50), spread(bare, latency.TOTAL_P50)
    total = spread(ours, latency.TOTAL_P50)
    return [
        "## From an acknowledged write to its effect",
        "",
        f"{writes} writes a round, 50 a second. Ours: the aggregate and its event are durable and acknowledged → "
        "relay → Kafka → consumer → its handler has inserted a document, majority and journaled. Bare: `send` → "
        "`getmany`, a record alike, acks=all.",
        "",
        "| | p50 ms | p99 ms |",
        "|---|---|---|",
        f"| {latency.CHASSIS} | {total} | {spread(ours, latency.TOTAL_P99)} |",
        f"| of that, the handler's database write | {spread(ours, latency.EFFECT_P50)} | "
        f"{spread(ours, latency.EFFECT_P99)} |",
        f"| of that, everything else | {rest} | |",
        f"| {latency.BARE} | {base} | {spread(bare, latency.TOTAL_P99)} |",
        "",
        f"Without the database write, {rest.median / base.median:.2f} × the bare client at p50; with it, "
        f"{total.median / base.median:.2f} ×.",
        "",
    ]


def _throughput(rounds: Rounds, events: int) -> list[str]:
    ours, bare = rounds[throughput.RELAY], rounds[throughput.BARE]
    rate, base = spread(ours, throughput.RATE), spread(bare, throughput.RATE)
    return [
        "## A backlog through the relay",
        "",
        f"{events} events, each of an aggregate of its own. Ours: found by the sweep in their documents, published, "
        "acknowledged, and cleared from the documents. Bare: records that are ready, `send` without waiting, then all "
        "acknowledgements.",
        "",
        "| | events/s | CPU µs/event |",
        "|---|---|---|",
        f"| {throughput.RELAY}: acknowledged | {rate} | |",
        f"| … and cleared | {spread(ours, throughput.CLEARED_RATE)} | {spread(ours, throughput.CPU)} |",
        f"| {throughput.BARE} | {base} | {spread(bare, throughput.CPU)} |",
        "",
        f"The relay publishes at {rate.median / base.median:.2f} of the bare producer's rate.",
        "",
    ]


def _cost(rounds: Rounds, messages: int) -> list[str]:
    base = spread(rounds[cost.BARE], cost.CPU)
    return [
        "## CPU of a consumed message",
        "",
        f"{messages} messages a round, already on the broker; a handler that does nothing; user and system time of the "
        "whole process.",
        "",
        "| | CPU µs/message | × bare | messages/s |",
        "|---|---|---|---|",
        *(
            f"| {name} | {spread(figures, cost.CPU)} | {spread(figures, cost.CPU).times(base)} | "
            f"{spread(figures, cost.RATE)} |"
            for name, figures in rounds.items()
        ),
        "",
    ]
