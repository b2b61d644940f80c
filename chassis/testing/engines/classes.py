"""Apache Kafka's classes as a JVM lays them out in memory (class data sharing, JEP 350), made once per machine and JVM.

With them a broker is ready for a third of the CPU time, 1.9 s instead of 6.7, which counts in tests that start many.
"""

import subprocess
import tempfile
from pathlib import Path

from chassis.testing.engines import kafka
from chassis.testing.engines.servers import start, stop
from chassis.testing.ports import free_port
from chassis.testing.tools.cache import CacheSettings, Tool, ToolError
from chassis.testing.tools.kafka import JAVA, KAFKA, VERSION

NAME, FILE = "kafka-classes", "kafka.jsa"


def classes() -> Path:
    """Where the file is once it has been made."""
    return CacheSettings().root / f"{NAME}-{VERSION}" / FILE


def classes_tool() -> Tool:
    """The file for the Java on PATH and these jars, as old as they are and where they are: the JVM insists on it."""
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    jars = [f"{jar} {jar.stat().st_mtime:.0f}" for jar in sorted(KAFKA.folder.glob("*.jar"))]
    return Tool(
        name=NAME,
        version=VERSION,
        recipe="\n".join([told, *jars]),
        takes="some seconds",
        needs=(JAVA,),
        build=_build,
        check=_check,
    )


def _build(folder: Path) -> None:
    """Run a broker once; on its way out it writes down what it had loaded."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="primetrade-classes-") as scratch:
        data = Path(scratch)
        command = kafka.command(KAFKA.folder, data / "kafka", port, free_port(), folder / FILE)
        # On a busy machine it writes for long.
        stop(start([*command, "--write-classes"], data / "log", port), seconds=120)


def _check(folder: Path) -> None:
    if not (folder / FILE).exists():
        raise ToolError(f"the Java on PATH shares no classes: {JAVA.how}")
