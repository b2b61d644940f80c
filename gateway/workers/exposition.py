"""What all workers measure, as one page: each of them tells the others over a socket in a folder of theirs."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

_SECONDS = 2.0
"""How long a worker may take to tell. One that takes longer is left out, as a process that is down would be."""
_FAMILY = re.compile(rb"^(?=# HELP )", re.MULTILINE)


async def of_the_process() -> bytes:
    """What this process measures."""
    return generate_latest()


class Exposition:
    """What the workers of a folder measure, each with its number as the label `worker`.

    Each worker's numbers stay its own, and begin anew with it: what can be summed is for Prometheus to sum.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._folder, self._path = folder, folder / f"{number}.sock"
        self._own = CollectorRegistry()
        self._own.register(_Labelled(str(number)))
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """From now on whoever connects is told this worker's."""
        self._path.unlink(missing_ok=True)  # of one with the same number, that was killed
        self._server = await asyncio.start_unix_server(self._tell, self._path)

    async def close(self) -> None:
        """Tell nobody more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def __call__(self) -> bytes:
        return merged(await asyncio.gather(*(_told(path) for path in sorted(self._folder.glob("*.sock")))))

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(generate_latest(self._own))
        writer.close()


class _Labelled(Collector):
    def __init__(self, number: str) -> None:
        self._label = {"worker": number}

    def collect(self) -> Iterable[Metric]:
        for family in REGISTRY.collect():
            family.samples = [sample._replace(labels={**sample.labels, **self._label}) for sample in family.samples]
            yield family


def merged(pages: Iterable[bytes]) -> bytes:
    """Pages in Prometheus' text format as one, in which all lines of a metric stand together, as the format demands."""
    families: dict[bytes, list[bytes]] = {}
    for page in pages:
        for family in filter(None, _FAMILY.split(page)):
            explained, typed, samples = family.split(b"\n", 2)
            families.setdefault(explained + b"\n" + typed + b"\n", []).append(samples)
    return b"".join(head + b"".join(samples) for head, samples in families.items())


async def _told(path: Path) -> bytes:
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                return await reader.read()
            finally:
                writer.close()
    except OSError:  # it has ended, or hangs: a TimeoutError is one
        return b""
