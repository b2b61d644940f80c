"""What is built once per machine is used as it was built, or built anew; never half of it, never by two at once."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chassis.testing.eventually import eventually
from chassis.testing.tools.__main__ import TOOLS, main
from chassis.testing.tools.cache import MANIFEST, Need, Tool, ToolError, obtain, verified
from chassis.testing.tools.kafka import CHECKSUMS, KAFKA, POM
from chassis.tests.toolmaker import slow_tool


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    root = tmp_path / "cache"
    monkeypatch.setenv("PRIMETRADE_CACHE", str(root))
    return root


class Builds:
    """A tool of two files, and how often it was built."""

    def __init__(self) -> None:
        self.count = 0
        self.tool = Tool("thing", "1.2", "recipe", "no time", (), self._build, self._check)

    def _build(self, folder: Path) -> None:
        self.count += 1
        (folder / "bin").mkdir()
        (folder / "bin" / "thing").write_text("binary")
        (folder / "notice").write_text("notice")

    def _check(self, folder: Path) -> None:
        assert (folder / "bin" / "thing").exists()


def test_a_tool_is_built_once(cache: Path) -> None:
    builds, said = Builds(), list[str]()
    assert [obtain(builds.tool, said.append) for _ in range(3)] == [cache / "thing-1.2"] * 3
    assert (cache / "thing-1.2" / "bin" / "thing").read_text() == "binary"
    assert builds.count == 1
    assert said[0] == "building thing 1.2, once on this machine (no time)"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda kept: (kept / "notice").write_text("Notice"), id="changed"),
        pytest.param(lambda kept: (kept / "bin" / "thing").write_text(""), id="emptied"),
        pytest.param(lambda kept: (kept / "notice").unlink(), id="missing"),
        pytest.param(lambda kept: (kept / "bin" / "other").touch(), id="added"),
        pytest.param(lambda kept: (kept / MANIFEST).unlink(), id="no manifest"),
        pytest.param(lambda kept: (kept / MANIFEST).write_text("{"), id="half a manifest"),
        pytest.param(shutil.rmtree, id="gone"),
    ],
)
def test_a_damaged_tool_is_noticed_and_built_anew(cache: Path, damage: Callable[[Path], object]) -> None:
    builds = Builds()
    damage(obtain(builds.tool))
    assert not verified(builds.tool)
    obtain(builds.tool)
    assert builds.count == 2
    assert verified(builds.tool)
    assert sorted(path.name for path in (cache / "thing-1.2").rglob("*")) == ["bin", MANIFEST, "notice", "thing"]


def test_another_recipe_is_another_tool() -> None:
    builds = Builds()
    obtain(builds.tool)
    obtain(replace(builds.tool, recipe="another"))
    assert builds.count == 2


def test_what_is_not_as_pinned_is_not_kept(cache: Path) -> None:
    def refuse(_: Path) -> None:
        raise ToolError("not as pinned")

    tool = replace(Builds().tool, check=refuse)
    with pytest.raises(ToolError, match="not as pinned"):
        obtain(tool)
    assert not verified(tool)
    assert _names(cache) == [".thing-1.2.lock"]


async def test_a_build_that_was_killed_is_done_again(cache: Path, tmp_path: Path) -> None:
    builder = await _maker(tmp_path)
    await eventually(lambda: _built(tmp_path) == 1, "the build has begun")
    builder.kill()
    await builder.wait()
    assert not verified(slow_tool(tmp_path))
    (tmp_path / "go").touch()
    assert (obtain(slow_tool(tmp_path)) / "binary").read_text() == "whole"
    assert _names(cache) == [".slow-1.lock", "slow-1"]


async def test_of_two_that_need_a_tool_at_once_one_builds_it(cache: Path, tmp_path: Path) -> None:
    first = await _maker(tmp_path)
    await eventually(lambda: _built(tmp_path) == 1, "the first builds")
    second = await _maker(tmp_path)
    assert second.stderr is not None
    told = await asyncio.wait_for(second.stderr.readline(), 30)
    assert told == b"slow 1 is being built by another process: waiting for it\n"
    (tmp_path / "go").touch()
    for maker in (first, second):
        printed, _ = await asyncio.wait_for(maker.communicate(), 30)
        assert (maker.returncode, printed.decode()) == (0, f"{cache / 'slow-1'}\n")
    assert _built(tmp_path) == 1


async def _maker(folder: Path) -> asyncio.subprocess.Process:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.tests.toolmaker", str(folder), env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _built(folder: Path) -> int:
    builds = folder / "builds"
    return len(builds.read_text().splitlines()) if builds.exists() else 0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("buf", "go is not on PATH: install Go"),
        ("kafka", "mvn is not on PATH: install Maven 3.8 or later (Debian: apt install maven); java is not on PATH"),
        ("secantus-mdb", "cargo is not on PATH: install Rust 1.95 or later with rustup; cmake is not on PATH"),
    ],
)
def test_what_a_build_lacks_is_named(
    name: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([name]) == 1
    complaint = capsys.readouterr().err
    assert f"{name} {TOOLS[name].version} cannot be built" in complaint
    assert told in complaint


def test_what_the_machine_has_to_bring_is_found_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["redis-server"]) == 1
    assert "redis-server is not on PATH: install Redis 6.2 or later (Debian: apt install" in capsys.readouterr().err
    (tmp_path / "redis-server").touch(mode=0o755)
    assert main(["redis-server"]) == 0
    assert capsys.readouterr().out == f"redis-server\tinstalled\t0.0 s\t{tmp_path}/redis-server\n"


def test_a_kept_tool_needs_none_of_that(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = replace(Builds().tool, needs=(Need("no-such-command", "make it"),))
    with pytest.raises(ToolError, match="no-such-command is not on PATH: make it"):
        obtain(tool)
    obtain(replace(tool, needs=()))
    assert obtain(tool) == tool.folder


def test_it_is_said_whether_a_tool_was_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TOOLS, "thing", Builds().tool)
    assert [main(["thing"]), main(["thing"]), main(["spoon"])] == [0, 0, 2]
    said = capsys.readouterr()
    assert [line.split("\t")[:2] for line in said.out.splitlines()] == [["thing", "cold"], ["thing", "warm"]]
    assert "no tool spoon; there are buf, " in said.err


def test_a_jar_that_is_not_the_pinned_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "kafka-clients-4.1.0.jar").write_text("not the jar")
    with pytest.raises(
        ToolError, match=r"Maven gave other files than .*SHA256SUMS lists: .*kafka-clients-4\.1\.0\.jar"
    ):
        KAFKA.check(tmp_path)


def test_kafkas_version_is_said_once_more_in_its_pom_and_its_sums() -> None:
    assert f"<version>{KAFKA.version}</version>" in POM.read_text()
    assert f"kafka_2.13-{KAFKA.version}.jar" in CHECKSUMS.read_text()
