"""What a run can be told. A variable of the environment (or `make bench NAME=value`) is the upper-case field name."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from benchmarks.monolith.operations import CONSUMED, OPERATIONS, SHARES
from benchmarks.publishing import DOCS

RESULTS, PAGE = Path(__file__).with_name("results.json"), DOCS / "performance.md"
CORE = ("get", "list", "create", "mix")
"""The operations that are measured at every concurrency unless C names some."""
EVERY, USUAL = (1, 8, 32, 128), (32,)
WARM_UP = 4
"""A round before the first one has this part of its requests."""


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if unknown := sorted(set(names) - OPERATIONS.keys()):
        raise ValueError(f"there is no operation {', '.join(unknown)}; there are {', '.join(OPERATIONS)}")
    if not names:
        raise ValueError(f"must name one of {', '.join(OPERATIONS)}")
    return names


def _numbers(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Operations = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
AtOnce = Annotated[tuple[Annotated[int, Field(ge=1, le=1_024)], ...], NoDecode, BeforeValidator(_numbers)]


class BenchSettings(BaseSettings):
    """`make bench OPS=list,mix C=32 ROUNDS=5`. The engines are those that ENGINES names."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    ops: Operations = Field(default=tuple(OPERATIONS), description="the operations")
    c: AtOnce = Field(
        default=(), description="requests at once; empty: 32, and for the core operations 1, 8, 32 and 128"
    )
    rounds: int = Field(default=5, ge=1, description="rounds of each side, in turn")
    requests: int = Field(default=600, ge=8, description="requests of a round")
    people: int = Field(default=1_000, ge=1)
    tasks: int = Field(default=200, ge=24, description="tasks of each")
    seed: int = Field(default=7, ge=0, description="who asks for what follows from it")
    page: Path | None = Field(default=None, description="where the page goes; docs/, if everything is measured")
    results: Path | None = Field(default=None, description="where every figure goes; beside this, if it is everything")

    @property
    def places(self) -> tuple[Path | None, Path | None]:
        """Where the figures and the page go. A part of the measures takes nobody's place unless it is told to."""
        whole = self.ops == tuple(OPERATIONS) and not self.c
        return self.results or (RESULTS if whole else None), self.page or (PAGE if whole else None)

    @property
    def plan(self) -> list[tuple[str, int]]:
        """Every operation with every number of requests at once."""
        return [
            (name, at_once)
            for name in self.ops
            for at_once in OPERATIONS[name].only or self.c or (EVERY if name in CORE else USUAL)
        ]

    @model_validator(mode="after")
    def _enough(self) -> Self:
        """What is completed and what is deleted can be so once."""
        for name, share in CONSUMED.items():
            there = self.people * len(range(share, self.tasks, SHARES))
            each = self.rounds * self.requests + max(self.requests // WARM_UP, 8)
            if (wanted := each * sum(name == planned for planned, _ in self.plan)) > there:
                raise ValueError(f"{name} takes {wanted} tasks and there are {there}: more PEOPLE or TASKS, less else")
        return self
