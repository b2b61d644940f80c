"""Ports for the servers of tests, each given once: also between the workers of a run, and between runs side by side.

That nothing listens on a port now (`why_unusable`) says little: whoever was given it may be starting its server, or
starting it again. So a port that was given stays reserved until the process that asked for it has ended, in a file that
all processes of a user lock byte by byte (POSIX record locks: fcntl(2); the system lets go of them when their process
dies, however).
"""

import errno
import fcntl
import functools
import os
import random
import socket
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

PORTS = range(10_000, 15_000)
"""Where `free_port` takes a port from. Systems give outgoing connections theirs from 32768 (Linux) or 49152 (IANA,
macOS) on."""

_random = random.SystemRandom()  # a seed would make the workers of a run, or two runs, try the same ports
_given: set[int] = set()


def free_port() -> int:
    """A TCP port that is free now and reserved for this process. Raises RuntimeError when there is none."""
    return free_block(PORTS, (0,))


def free_block(bases: Sequence[int], offsets: Iterable[int]) -> int:
    """One of `bases` at which the port of every offset is free now; they are reserved for this process.

    Raises RuntimeError when there is none.
    """
    wanted = list(offsets)
    for base in _random.sample(bases, len(bases)):
        if all(_reserve(base + offset) and not why_unusable(base + offset) for offset in wanted):
            return base
    raise RuntimeError(f"no port of {len(bases)} from {bases[0]} to {bases[-1]} is free")


def accepts(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def why_unusable(port: int, host: str = "127.0.0.1") -> str:
    """Why a server could not listen on the port now; empty when it could."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return (
                "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({os.strerror(error.errno or 0)})"
            )
    return "is taken" if accepts(port) else ""


def _reserve(port: int) -> bool:
    """Reserve the port until this process ends. False when a process has it already, be it this one."""
    if port in _given:
        return False
    file = _reservations()
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):  # which of them is the system's choice (fcntl(2))
        return False
    _given.add(port)
    return True


@functools.cache
def _reservations() -> int:
    """The file's descriptor. It stays open: to close any descriptor of the file would let go of every reservation."""
    path = Path(tempfile.gettempdir()) / f"primetrade-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
