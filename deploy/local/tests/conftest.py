"""The suite of stand-ins as a fixture."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.testing import free_settings
from deploy.local.tests.stand_ins import StandIns


@pytest.fixture
def stand_ins(tmp_path: Path) -> Iterator[StandIns]:
    """Not started yet; ended whatever happens."""
    made = StandIns(tmp_path, free_settings(tmp_path / "data"))
    yield made
    made.suite.stop()
