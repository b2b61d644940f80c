"""Running a server for as long as a block, and knowing when it is ready."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from chassis.testing.ports import accepts

READY_SECONDS = 60.0


def wait_until(condition: Callable[[], bool], what: str, seconds: float = READY_SECONDS) -> None:
    """Block until the condition holds. Raises TimeoutError naming what was awaited."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)


def start(
    command: Sequence[str], log: Path, port: int, environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start a server and return when it accepts connections. What it says is added to `log`.

    Raises RuntimeError with the end of its log when it dies before that.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip

    def ready() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        return accepts(port)

    try:
        wait_until(ready, f"{command[0]} on port {port}")
    except BaseException:
        stop(process)
        raise
    return process


@contextlib.contextmanager
def running(
    command: Sequence[str], log: Path, port: int, environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a server until the block is left, ready when it accepts connections. Yields its process id.

    Ended by its own process id, politely first. Raises RuntimeError with the end of its log when it dies early.
    """
    process = start(command, log, port, environment)
    try:
        yield process.pid
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]", seconds: float = 10.0) -> None:
    """End a process, also a paused one: SIGTERM, then SIGKILL when it has not ended within `seconds`."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
