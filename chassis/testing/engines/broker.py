"""A Kafka of one test's own: it may be paused, killed and started again."""

from pathlib import Path

from chassis.testing.engines.interruptible import Interruptible
from chassis.testing.engines.kinds import Engines, EnginesSettings
from chassis.testing.engines.servers import start
from chassis.testing.ports import free_port


class Broker(Interruptible):
    """The broker that ENGINES asks for, with its data in `folder`. Context manager: it runs inside the block.

    It keeps its port. What a kill leaves of its data is the kind's affair: Tansu loses everything, Apache Kafka nothing
    that it acknowledged.
    """

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self._kind = EnginesSettings().kind
        self._command = self._kind.kafka_command(self.port, free_port(), folder / "kafka")

    def __enter__(self) -> "Broker":
        self._kind.prepare()
        return super().__enter__()

    @property
    def bootstrap_servers(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def kafka_idempotence(self) -> bool:
        """Whether it takes an idempotent producer."""
        return self._kind.kafka_idempotence

    def engines(self, mongo_url: str = "") -> Engines:
        """This broker beside a MongoDB."""
        return Engines(mongo_url, self.bootstrap_servers, self.kafka_idempotence)

    def start(self) -> None:
        """Run it, ready when this returns."""
        self._process = start(self._command, self._folder / "kafka.log", self.port)
