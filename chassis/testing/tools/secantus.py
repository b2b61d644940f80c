"""secantusd-rs, which speaks MongoDB's protocol over WiredTiger: built by cargo from one crate with its own lock.

GPL-2.0, so a development tool only: it is run, never linked. Its crates ask for a newer compiler than they need.
"""

import os
from pathlib import Path

from chassis.testing.tools.cache import Need, Tool, ToolError, sha256
from chassis.testing.tools.commands import run

CRATE, VERSION = "secantus-mdb", "0.5.3-beta.193"
CHECKSUM = "3167ab09ec97e77fbb5c3c3c3f11dbf1bd9dfd1237231bc763da55963f4ef842"
"""Of the crate as published. Its Cargo.lock has the checksums of everything it is made of."""


def _build(folder: Path) -> None:
    folders = ["--root", folder, "--target-dir", folder.with_name("target")]
    run(["cargo", "install", CRATE, "--version", VERSION, "--locked", "--ignore-rust-version", "--no-track", *folders])


def _check(folder: Path) -> None:
    home = Path(os.environ.get("CARGO_HOME", "~/.cargo")).expanduser()
    crates = list(home.glob(f"registry/cache/*/{CRATE}-{VERSION}.crate"))
    if not crates or any(sha256(crate) != CHECKSUM for crate in crates):
        raise ToolError(f"the crate {CRATE} {VERSION} that cargo used is not the one with checksum {CHECKSUM}")
    if not (folder / "bin" / "secantusd-rs").exists():
        raise ToolError(f"the crate {CRATE} {VERSION} made no secantusd-rs")


SECANTUS = Tool(
    name=CRATE,
    version=VERSION,
    recipe=f"{CRATE} {VERSION} {CHECKSUM}",
    takes="about five minutes on two cores",
    needs=(
        Need("cargo", "install Rust 1.95 or later with rustup"),
        Need("cmake", "install CMake (Debian: apt install cmake)"),
        Need("cc", "install a C compiler (Debian: apt install gcc)"),
    ),
    build=_build,
    check=_check,
)
