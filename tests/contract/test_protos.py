"""The generated code is the contracts' own, and a client can install it."""

import filecmp
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROTOS = Path(__file__).parents[2] / "protos"
FILES = sorted(PROTOS.glob("primetrade/**/*.proto"))
MODULES = [".".join(path.relative_to(PROTOS).with_suffix("").parts) for path in FILES]


def sources(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in (".py", ".pyi", ".typed")}


def test_the_committed_code_is_what_the_contracts_generate(tmp_path: Path) -> None:
    # protoc finds its plugins on the PATH.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    generate = [sys.executable, str(PROTOS / "generate.py"), "--into", str(tmp_path / "gen")]
    subprocess.run(generate, check=True, env={**os.environ, "PATH": path})
    committed, fresh = PROTOS / "gen", tmp_path / "gen"
    assert sources(committed) == sources(fresh), "run `make protos`"
    _, different, unread = filecmp.cmpfiles(committed, fresh, sources(fresh), shallow=False)
    assert (different, unread) == ([], []), "run `make protos`"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=PROTOS, check=True, capture_output=True)
    (built,) = folder.glob("primetrade_protos-*.whl")
    return built


@pytest.mark.parametrize("module", MODULES)
def test_the_wheel_alone_brings_every_contract(wheel: Path, module: str, tmp_path: Path) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(wheel)!r})
import {module}_pb2 as contract
assert contract.__file__.startswith({str(wheel)!r}), contract.__file__
assert contract.DESCRIPTOR.name == {module.replace(".", "/") + ".proto"!r}
"""
    subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, check=True)
