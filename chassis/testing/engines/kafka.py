"""Become Apache Kafka, one node that is broker and controller: `python kafka.py --jars … --data … --port … …`.

Formats the storage when there is none yet (KRaft, kafka.apache.org/41/operations/kraft), then replaces itself by the
server, so that the process id a supervisor knows is the server's. Needs nothing but the standard library.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

_JVM = (
    # The first compiler alone: a test's broker is soon gone, and the second takes longer than it saves.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xms64m",
    "-Xmx512m",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)
_CLUSTER = "cHJpbWV0cmFkZWVuZ2luZQ"
"""Any 16 bytes in base64: every cluster is alone on its ports."""

# One node: nothing is replicated. A topic is made by declaration alone. A group begins at once, and a member may be
# missed as soon as tests want it. A broker that was killed may register again when its session is over: after 9 s by
# default. A voter's address is read from here at every start, so that the ports may change.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised_port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.index.size.max.bytes=1048576
"""


def command(jars: Path, data: Path, port: int, controller_port: int, classes: Path) -> list[str]:
    """The command that runs this file as a program. `classes` is used when it is there: see `classes.py`."""
    paths = {"jars": jars, "data": data, "port": port, "controller-port": controller_port, "classes": classes}
    return [sys.executable, __file__, *(f"--{name}={value}" for name, value in paths.items())]


def main() -> None:
    """Never returns."""
    asked = _asked()
    found = shutil.which("java")
    if found is None:
        sys.exit("Apache Kafka runs on Java 17 or later, which is not on PATH")
    # In one order always: shared classes are for one class path.
    jars = os.pathsep.join(sorted(map(str, asked.jars.glob("*.jar"))))
    java = [found, *_JVM, "-cp", jars]
    shared = [f"-XX:SharedArchiveFile={asked.classes}"] if asked.classes.exists() else []
    server = [f"-XX:ArchiveClassesAtExit={asked.classes}"] if asked.write_classes else shared
    asked.data.mkdir(parents=True, exist_ok=True)
    properties, log = asked.data / "server.properties", asked.data / "log"
    if not log.exists():
        # Formatted elsewhere: a folder that is there is a folder that is whole.
        fresh = asked.data / "log.new"
        shutil.rmtree(fresh, ignore_errors=True)
        properties.write_text(_properties(asked, fresh))
        format_ = ["kafka.tools.StorageTool", "format", "--cluster-id", _CLUSTER, "--config", str(properties)]
        subprocess.run([*java, *shared, *format_], check=True, stdout=sys.stderr)
        fresh.rename(log)
    properties.write_text(_properties(asked, log))
    os.execv(found, [*java, *server, "kafka.Kafka", str(properties)])  # noqa: S606 - our own command


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Apache Kafka on one node")
    for path in ("--jars", "--data", "--classes"):
        parser.add_argument(path, type=Path, required=True)
    for port in ("--port", "--controller-port"):
        parser.add_argument(port, type=int, required=True)
    parser.add_argument("--advertised-port", type=int, help="what clients are told, when a proxy stands in between")
    parser.add_argument("--write-classes", action="store_true", help="write --classes at the end")
    return parser.parse_args()


def _properties(asked: argparse.Namespace, log: Path) -> str:
    advertised = asked.advertised_port or asked.port
    return _PROPERTIES.format(
        port=asked.port, controller_port=asked.controller_port, advertised_port=advertised, log=log
    )


if __name__ == "__main__":
    main()
