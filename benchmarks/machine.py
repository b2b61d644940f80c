"""What the figures were measured on."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil

_ENGINES = {"real": "Apache Kafka (KRaft, one node) and secantusd-rs", "embedded": "Tansu and SecantusDB"}


def facts(engines: str) -> Mapping[str, str]:
    """The machine, the versions, and how busy it is with other things."""
    return {
        **here(engines),
        "client": f"Python {platform.python_version()}, uvloop {version('uvloop')}, aiokafka {version('aiokafka')}",
    }


def here(engines: str = "") -> dict[str, str]:
    """The machine, how busy it is with other things, and the engines, if there are any."""
    model = [line.partition(": ")[2] for line in _cpuinfo() if line.startswith("model name")]
    return {
        "machine": f"{psutil.cpu_count()} × {model[0] if model else platform.processor() or platform.machine()}, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} {platform.release()}",
        "load before": _load(os.getloadavg()[0], psutil.cpu_count() or 1),
        **({"engines": f"{_ENGINES[engines]}, on the same machine"} if engines else {}),
    }


def _load(load: float, cores: int) -> str:
    busy = " — **busy with other things: the times below say little, the CPU figures more**" if load > cores / 2 else ""
    return f"{load:.1f} on {cores} cores (1 minute){busy}"


def _cpuinfo() -> list[str]:
    place = Path("/proc/cpuinfo")
    return place.read_text().splitlines() if place.exists() else []
