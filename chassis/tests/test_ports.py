"""A port is given once, whoever asks."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chassis.testing.ports import PORTS, free_block, free_port

ASK = """
import sys
from chassis.testing.ports import free_block
try:
    print(free_block([int(sys.argv[1])], (0, 1)), flush=True)
except RuntimeError as error:
    print(error, flush=True)
sys.stdin.read()
"""


class Asking:
    """A process that asks for two ports from `base` on, and lives until it is killed.

    Its kind keeps reservations of their own, in `folder`: the ports themselves are reserved for the test.
    """

    def __init__(self, base: int, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", ASK, str(base)], env={**os.environ, "TMPDIR": str(folder)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.answer = self._process.stdout.readline().strip()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Callable[[int], Asking]]:
    with ExitStack() as stack:

        def start(base: int) -> Asking:
            made = Asking(base, tmp_path)
            stack.callback(made.kill)
            return made

        yield start


@pytest.fixture
def base() -> int:
    return free_block(PORTS, (0, 1, 2))


def refused(base: int) -> str:
    return f"no port of 1 from {base} to {base} is free"


def test_never_the_same_port_twice() -> None:
    assert len({free_port() for _ in range(50)}) == 50


def test_what_one_process_was_given_no_other_gets_before_it_is_dead(asking: Callable[[int], Asking], base: int) -> None:
    first = asking(base)
    assert first.answer == str(base)  # it listens on neither: it may be about to
    assert asking(base).answer == refused(base)
    assert asking(base + 1).answer == refused(base + 1)
    first.kill()
    assert asking(base).answer == str(base)


def test_not_where_one_port_has_a_listener(asking: Callable[[int], Asking], base: int) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", base + 1))
        listener.listen(1)
        assert asking(base).answer == refused(base)
