"""One issuer of tokens, and one users service for the tests that need no settings of their own."""

from collections.abc import AsyncIterator

import pytest

from chassis.testing.engines import Engines
from chassis.testing.issuer import Issuer
from services.users.tests.world import World, running, settings


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    """Auth's end of the wire: the keys that verify the tokens it signs."""
    async with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
async def users(engines: Engines, issuer: Issuer) -> AsyncIterator[World]:
    """A running service."""
    async with running(settings(engines, issuer), issuer) as world:
        yield world
