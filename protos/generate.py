"""Generate protos/gen from protos/primetrade: `python protos/generate.py [--into DIR]` (`make protos`).

Messages and stubs by grpcio-tools, types by mypy-protobuf. The google protos come from googleapis-common-protos.
"""

import argparse
import shutil
import sys
import sysconfig
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).parent


def generate(into: Path) -> None:
    """Write the generated package below `into`, replacing what was there. Raises SystemExit when protoc refuses."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    sources = sorted(str(path.relative_to(HERE)) for path in (HERE / "primetrade").rglob("*.proto"))
    services = [source for source in sources if not source.endswith("events.proto")]
    options = [
        *includes(),
        *(f"--plugin={Path(sys.executable).with_name(name)}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")),
    ]
    _run([*options, f"--python_out={into}", f"--mypy_out=readable_stubs,quiet:{into}", *sources])
    _run([*options, f"--grpc_python_out={into}", f"--mypy_grpc_out=readable_stubs,quiet:{into}", *services])
    for folder in [into / "primetrade", *(into / "primetrade").rglob("*")]:
        if folder.is_dir() and folder.name != "__pycache__":
            (folder / "__init__.py").touch()
            (folder / "py.typed").touch()


def includes() -> list[str]:
    """Where protoc finds the contracts and what they import."""
    google = files("grpc_tools") / "_proto"
    return [f"-I{HERE}", f"-I{sysconfig.get_path('purelib')}", f"-I{google}"]  # googleapis-common-protos is installed


def _run(arguments: list[str]) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        raise SystemExit("protoc failed; its message is above")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=HERE / "gen")
    generate(parser.parse_args().into)
