"""What breaks when: a plan that follows from its seed alone."""

import random
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.chaos.slow import Slowness

VICTIMS: Mapping[str, int] = {
    "tasks": 13, "notify": 13, "gateway": 9, "users": 8, "auth": 5, "kafka": 6, "mongo": 6
}  # fmt: skip
"""Who is killed, and how often of 60 times."""
_FROZEN: Mapping[str, int] = {"notify": 4, "tasks": 4, "users": 2, "auth": 1, "gateway": 1, "kafka": 2, "mongo": 1}
_AT_ONCE = (1, 2, 2, 3, 3, 4)


@dataclass(frozen=True, slots=True)
class Guest:
    """A second process of a service, on ports of its own: joins, stays for some seconds, and leaves by a signal."""

    service: str
    stays: float
    leaves: signal.Signals


@dataclass(frozen=True, slots=True)
class Round:
    """What happens at once. Times in seconds: `calm` before it, `apart` between the kills.

    `frozen` is stopped for longer than a consumer's session lasts; `slow` is what becomes of the broker's answers;
    `poison` is how many poisoned records are written.
    """

    calm: float
    victims: tuple[str, ...]
    apart: float
    poison: int
    frozen: str = ""
    guest: Guest | None = None
    slow: Slowness | None = None

    def __str__(self) -> str:
        more = [f"freeze {self.frozen}"] if self.frozen else []
        more += [f"a second {self.guest.service} until {self.guest.leaves.name}"] if self.guest else []
        more += [f"{self.slow.name.lower()} broker"] if self.slow else []
        return ", ".join([f"kill {' '.join(self.victims)}", *more, f"{self.poison} poison"])


def planned(seed: int, kills: int, broker: bool = True) -> Iterator[Round]:
    """Rounds with so many kills in all, each kind in its share. Without `broker` that one is neither killed nor
    frozen: where it keeps its log in memory alone, its end is the end of the log."""
    draw = random.Random(seed)
    victims = _shared_out(
        draw, kills, VICTIMS if broker else {name: n for name, n in VICTIMS.items() if name != "kafka"}
    )
    frozen = _FROZEN if broker else {name: n for name, n in _FROZEN.items() if name != "kafka"}
    number = 0
    while victims:
        number += 1
        yield Round(
            calm=draw.uniform(0.5, 3),
            victims=_taken(victims, draw.choice(_AT_ONCE)),
            apart=draw.choice((0.0, 0.0, draw.uniform(0, 1.5))),
            poison=draw.randint(1, 3),
            frozen=draw.choices(list(frozen), list(frozen.values()))[0] if number % 4 == 0 else "",
            guest=_guest(draw) if number % 4 in (0, 2) else None,
            slow=draw.choice(list(Slowness)) if number % 5 == 3 else None,
        )


def _shared_out(draw: random.Random, kills: int, weights: Mapping[str, int]) -> list[str]:
    """The victims, each in its share, in an order that is drawn."""
    whole = sum(weights.values())
    victims = [name for name, weight in weights.items() for _ in range(kills * weight // whole)]
    victims += draw.choices(list(weights), list(weights.values()), k=kills - len(victims))
    draw.shuffle(victims)
    return victims


def _taken(victims: list[str], most: int) -> tuple[str, ...]:
    """The next victims, as long as they differ: nobody dies twice in a round."""
    taken: list[str] = []
    while victims and len(taken) < most and victims[-1] not in taken:
        taken.append(victims.pop())
    return tuple(taken)


def _guest(draw: random.Random) -> Guest:
    service = draw.choice(("notify", "notify", "tasks"))
    return Guest(service, draw.uniform(1, 4), draw.choice((signal.SIGTERM, signal.SIGKILL)))
