"""The engines that the tests and the local suite start for themselves, each a process of its own.

ENGINES says which: `embedded` (SecantusDB and Tansu, from wheels) or `real` (secantusd-rs and Apache Kafka, built once
per machine: `chassis.testing.tools`). Both are started by the same commands wherever they are used.
"""

from chassis.testing.engines.broker import Broker
from chassis.testing.engines.kinds import KINDS, Engines, EnginesKind, EnginesSettings, started_engines
from chassis.testing.engines.redis import Redis
from chassis.testing.engines.servers import running, stop, wait_until

__all__ = [
    "KINDS",
    "Broker",
    "Engines",
    "EnginesKind",
    "EnginesSettings",
    "Redis",
    "running",
    "started_engines",
    "stop",
    "wait_until",
]
