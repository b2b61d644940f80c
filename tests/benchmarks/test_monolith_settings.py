"""What a run of the comparison can be told, and what is wrong with it."""

from pathlib import Path

import pytest

from benchmarks.monolith.operations import OPERATIONS
from benchmarks.monolith.profile import ProfileSettings
from benchmarks.monolith.quick import QuickSettings
from benchmarks.monolith.settings import CORE, EVERY, BenchSettings
from chassis.settings import read_settings


def test_by_default_everything_is_measured_and_the_core_at_every_concurrency() -> None:
    plan = BenchSettings().plan
    assert {name for name, _ in plan} == set(OPERATIONS)
    assert all([at_once for name, at_once in plan if name == core] == list(EVERY) for core in CORE)
    assert [at_once for name, at_once in plan if name == "update"] == [32]
    assert BenchSettings(ops=("login",), c=(128,)).plan == [("login", 8)]
    assert None not in BenchSettings().places


def test_a_part_is_shown_and_takes_nobodys_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPS", "list, mix")
    monkeypatch.setenv("C", "8,32")
    settings = read_settings(BenchSettings)
    assert settings.plan == [("list", 8), ("list", 32), ("mix", 8), ("mix", 32)]
    assert settings.places == (None, None)
    monkeypatch.setenv("PAGE", str(tmp_path / "page.md"))
    assert read_settings(BenchSettings).places == (None, tmp_path / "page.md")


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("OPS", "list,fly", "setting OPS: there is no operation fly; there are me, get, "),
        ("OPS", ",", "setting OPS: must name one of me, get, "),
        ("C", "0", "setting C_0: Input should be greater than or equal to 1"),
        ("C", "many", "setting C_0: Input should be a valid integer"),
        ("C", "4096", "setting C_0: Input should be less than or equal to 1024"),
        ("ROUNDS", "0", "setting ROUNDS: "),
        ("REQUESTS", "7", "setting REQUESTS: "),
        ("PEOPLE", "0", "setting PEOPLE: "),
        ("TASKS", "23", "setting TASKS: "),
        ("SEED", "-1", "setting SEED: "),
        ("PEOPLE", "10", "complete takes 3150 tasks and there are 500: more PEOPLE or TASKS, less else"),
    ],
)
def test_a_wrong_one_is_named(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit, match="2"):
        read_settings(BenchSettings)
    assert told in capsys.readouterr().err


def test_what_is_profiled_is_asked_32_at_once() -> None:
    assert ProfileSettings().plan == [("get", 32), ("list", 32), ("create", 32)]


def test_the_gate_asks_for_the_mix_unless_it_is_told_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert QuickSettings().plan == [("mix", 32)]
    monkeypatch.setenv("OPS", "get")
    assert QuickSettings().plan == [("get", 32)]
    monkeypatch.setenv("OPS", "fly")
    with pytest.raises(SystemExit, match="2"):
        read_settings(QuickSettings)
