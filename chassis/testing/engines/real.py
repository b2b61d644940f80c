"""The real engines: Apache Kafka as in production, and secantusd-rs, MongoDB's protocol over its storage engine."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from chassis.testing.engines import kafka
from chassis.testing.engines.classes import classes, classes_tool
from chassis.testing.tools.cache import ToolError, obtain
from chassis.testing.tools.kafka import JAVA, KAFKA
from chassis.testing.tools.secantus import SECANTUS


class Real:
    """ENGINES=real: both keep what they acknowledged on disk, and Kafka has every feature that production has."""

    folder = "real"
    kafka_idempotence = True
    kafka_settings: Mapping[str, str] = MappingProxyType({})
    kafka_stop_seconds = 3

    def prepare(self) -> None:
        """Have both, building what is missing. Raises ToolError naming what that takes."""
        if shutil.which(JAVA.command) is None:
            raise ToolError(f"Apache Kafka runs on Java, which is not on PATH: {JAVA.how}")
        obtain(SECANTUS)
        obtain(KAFKA)
        obtain(classes_tool())

    def mongo_command(self, port: int, data: Path) -> list[str]:
        """secantusd-rs on `port`. Without --sync-on-commit it loses acknowledged writes when it is killed."""
        binary = str(SECANTUS.folder / "bin" / "secantusd-rs")
        return [
            binary, "--port", str(port), "--storage-path", str(data), "--sync-on-commit", "--cache-size", "512M",
            "--log-level", "WARNING",
        ]  # fmt: skip

    def mongo_url(self, port: int) -> str:
        """As with its elder sister, retryable writes are off."""
        return f"mongodb://127.0.0.1:{port}/?retryWrites=false"

    def kafka_ports(self, port: int, controller_port: int) -> Mapping[str, int]:
        """One for clients, one for the quorum of one."""
        return {"kafka": port, "controller": controller_port}

    def kafka_command(self, port: int, controller_port: int, data: Path) -> list[str]:
        """Apache Kafka on these ports; its folder is made at its first start and used again at the next."""
        return kafka.command(KAFKA.folder, data, port, controller_port, classes())
