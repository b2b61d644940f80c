"""Apache Kafka, from Maven Central: the jars that `maven/pom.xml` names, held to the checksums beside it."""

from pathlib import Path

from chassis.testing.tools.cache import Need, Tool, ToolError, sha256
from chassis.testing.tools.commands import run

VERSION = "4.1.0"
POM = Path(__file__).with_name("maven") / "pom.xml"
CHECKSUMS = POM.with_name("SHA256SUMS")
JAVA = Need("java", "install OpenJDK 17 or later (Debian: apt install default-jre-headless)")


def _build(folder: Path) -> None:
    run(
        ["mvn", "--quiet", "--batch-mode", "--file", POM, "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    )


def _check(folder: Path) -> None:
    pinned = {name: checksum for checksum, name in (line.split() for line in CHECKSUMS.read_text().splitlines())}
    found = {path.name: sha256(path) for path in folder.iterdir()}
    if wrong := sorted(name for name in pinned.keys() | found.keys() if pinned.get(name) != found.get(name)):
        raise ToolError(f"Maven gave other files than {CHECKSUMS} lists: {', '.join(wrong)}")


KAFKA = Tool(
    name="kafka",
    version=VERSION,
    recipe=POM.read_text() + CHECKSUMS.read_text(),
    takes="half a minute",
    needs=(
        Need("mvn", "install Maven 3.8 or later (Debian: apt install maven)"),
        JAVA,
    ),
    build=_build,
    check=_check,
)
