"""One auth service for the tests that need no settings or time of their own."""

from collections.abc import AsyncIterator

import pytest

from chassis.testing.engines import Engines
from services.auth.tests.world import World, running, settings


@pytest.fixture(scope="session")
async def auth(engines: Engines) -> AsyncIterator[World]:
    """A running service whose neighbour users is away."""
    async with running(settings(engines)) as world:
        yield world
