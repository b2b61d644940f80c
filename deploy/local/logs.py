"""The logs of all processes as one stream: JSON lines made readable, each with the name of its process before it."""

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95)
_LEVELS = {"debug": 2, "warning": 33, "error": 31, "critical": 31}
_KNOWN = ("timestamp", "level", "service", "event", "exception", "stack_info")
# What a reader of a terminal has no use for. The log files keep it.
_LEFT_OUT = ("traceId", "spanId", "logger")


@dataclass(frozen=True, slots=True)
class Style:
    """Whether a stream gets colours: only a terminal, and not with NO_COLOR (no-color.org)."""

    colours: bool

    @classmethod
    def of(cls, stream: TextIO) -> "Style":
        """What suits the stream."""
        return cls(stream.isatty() and not os.environ.get("NO_COLOR"))

    def paint(self, text: str, code: int) -> str:
        """The text in that colour (ECMA-48 SGR), where colours are on."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours and code else text


def readable(line: str, style: Style) -> Iterator[str]:
    """The lines for a reader of one log line: time, level, event, then the values. Anything but JSON stays as it is."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or "event" not in entry:
        yield line
        return
    time, level = str(entry.get("timestamp", ""))[11:23], str(entry.get("level", ""))
    values = " ".join(f"{name}={_value(value)}" for name, value in entry.items() if name not in (*_KNOWN, *_LEFT_OUT))
    yield " ".join(
        part for part in (time, style.paint(f"{level:<7}", _LEVELS.get(level, 0)), str(entry["event"]), values) if part
    )
    for long in (entry.get("exception"), entry.get("stack_info")):
        yield from (f"    {row}" for row in str(long or "").splitlines())


def last_lines(path: Path, count: int = 15) -> list[str]:
    """The last lines of a log, made readable."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 32_768))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ["(no log)"]
    return [row for line in lines[-count:] for row in readable(line, Style(colours=False))][-2 * count :]


class Follower:
    """Writes what is appended to logs from now on, as one stream, from a thread, until closed.

    Follows a log through supervisor's rotation.
    """

    def __init__(self, logs: Mapping[str, Path], stream: TextIO) -> None:
        self._stream, self._style = stream, Style.of(stream)
        width = max((len(name) for name in logs), default=0)
        prefixes = {
            name: self._style.paint(f"{name:<{width}} │ ", _COLOURS[number % len(_COLOURS)])
            for number, name in enumerate(logs)
        }
        self._tails = {prefixes[name]: _Tail(path) for name, path in logs.items()}
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._follow, name="logs", daemon=True)

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self.pass_on()
        for tail in self._tails.values():
            tail.close()

    def say(self, text: str) -> None:
        """Write lines of the launcher's own between the others."""
        self._write(self._style.paint(f"» {line}", 1) for line in text.splitlines())

    def _follow(self) -> None:
        while not self._closing.wait(0.1):
            self.pass_on()

    def pass_on(self) -> None:
        """Write what has been appended since the last time."""
        for prefix, tail in self._tails.items():
            self._write(f"{prefix}{row}" for line in tail.lines() for row in readable(line, self._style))

    def _write(self, lines: Iterable[str]) -> None:
        with self._lock:
            for line in lines:
                print(line, file=self._stream)
            self._stream.flush()


class _Tail:
    """What is appended to one file from now on, whole lines only, through rotation by renaming."""

    def __init__(self, path: Path) -> None:
        self._path, self._rest = path, b""
        self._file: IO[bytes] | None = None
        self._start = path.stat().st_size if path.exists() else 0

    def lines(self) -> list[str]:
        text = self._rest + self._read()
        whole, _, self._rest = text.rpartition(b"\n")
        return whole.decode(errors="replace").splitlines() if whole else []

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self) -> bytes:
        if self._file is None:
            if not self._path.exists():
                return b""
            self._file = self._path.open("rb")
            self._file.seek(self._start)
            self._start = 0
        text = self._file.read()
        if not text and self._rotated(os.fstat(self._file.fileno()).st_ino):
            self._file.close()
            self._file = None
        return text

    def _rotated(self, inode: int) -> bool:
        try:
            return self._path.stat().st_ino != inode
        except FileNotFoundError:
            return True


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return json.dumps(text, ensure_ascii=False) if " " in text and isinstance(value, str) else text
