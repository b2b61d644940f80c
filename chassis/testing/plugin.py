"""The pytest plugin of the suite: real engines once per test run, a name of its own for every test that stores.

With pytest-xdist the controller starts the engines and every worker uses them. ENGINES=real chooses Apache Kafka and
secantusd-rs; tests marked `engines` run on those alone. `MONGO_URL` and `KAFKA_BOOTSTRAP_SERVERS` in the environment
make the run use those instead.
"""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest
import structlog
from xdist.scheduler import LoadGroupScheduling

from chassis.telemetry.logs import with_facts
from chassis.testing.engines import Engines, EnginesSettings, started_engines
from chassis.testing.tools.cache import ToolError

_STACK = pytest.StashKey[contextlib.ExitStack]()
_VARIABLES = ("MONGO_URL", "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_IDEMPOTENCE")


def pytest_configure(config: pytest.Config) -> None:
    """In the controller (or the only process): start the engines, say where they are by environment."""
    _plain_logs()
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.help:
        return
    stack = config.stash[_STACK] = contextlib.ExitStack()
    if "MONGO_URL" in os.environ and "KAFKA_BOOTSTRAP_SERVERS" in os.environ:
        return
    # The embedded broker lets a group wait for half the session timeout before its first member may start.
    if "KAFKA_SESSION_TIMEOUT" not in os.environ:
        os.environ["KAFKA_SESSION_TIMEOUT"] = "3"
        stack.callback(os.environ.pop, "KAFKA_SESSION_TIMEOUT", None)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="primetrade-tests-")))
    try:
        engines = stack.enter_context(started_engines(folder))
    except ToolError as error:
        raise pytest.UsageError(str(error)) from None
    values = (engines.mongo_url, engines.kafka_bootstrap_servers, str(engines.kafka_idempotence))
    for variable, value in zip(_VARIABLES, values, strict=True):
        os.environ[variable] = value
        stack.callback(os.environ.pop, variable, None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to ENGINES=real what only real engines can do."""
    if EnginesSettings().engines != "real":
        heavy = [item for item in items if item.get_closest_marker("engines")]
        items[:] = [item for item in items if item not in heavy]
        config.hook.pytest_deselected(items=heavy)


class ByModule(LoadGroupScheduling):  # type: ignore[misc]
    """A module's tests go to one worker, which makes their fixtures once; a group that a mark names stays one too."""

    def _split_scope(self, nodeid: str) -> str:
        group: str = super()._split_scope(nodeid)
        return group.partition("::")[0] if group == nodeid else group


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByModule | None:
    """Of `--dist loadgroup`: the one above."""
    return ByModule(config, log) if config.getoption("dist") == "loadgroup" else None


def _plain_logs() -> None:
    """structlog's default draws every traceback with all its variables, which takes seconds for one."""
    steps = (with_facts, structlog.processors.add_log_level)
    render = structlog.processors.KeyValueRenderer(key_order=["level", "event"])
    structlog.configure(processors=[*steps, structlog.processors.format_exc_info, render])


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the engines this run started."""
    if _STACK in config.stash:
        config.stash[_STACK].close()


@pytest.fixture(scope="session")
def engines() -> Engines:
    """Where this run's engines are."""
    mongo_url, kafka, idempotence = (os.environ.get(variable, "") for variable in _VARIABLES)
    return Engines(mongo_url, kafka, kafka_idempotence=idempotence.lower() not in ("false", "0"))
