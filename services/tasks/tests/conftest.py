"""One running tasks service for all tests of a run; what is stored is kept apart by person."""

from collections.abc import AsyncIterator

import pytest

from chassis.testing.engines import Engines
from chassis.testing.issuer import Issuer
from services.tasks.tests.wire import Person, Service, serving, settings_for


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as made:
        yield made


@pytest.fixture(scope="session")
async def service(engines: Engines, issuer: Issuer) -> AsyncIterator[Service]:
    async with serving(settings_for(engines, issuer), issuer) as running:
        yield running


@pytest.fixture
def ada(service: Service) -> Person:
    return service.person()


@pytest.fixture
def bob(service: Service) -> Person:
    return service.person()
