"""One running service with a mail server for all stories that do not need one of their own."""

from collections.abc import AsyncIterator

import pytest

from chassis.testing.engines import Engines
from chassis.testing.issuer import Issuer
from services.notify.tests.house import House, opened, settings_for
from services.notify.tests.postbox import Postbox


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
async def postbox() -> AsyncIterator[Postbox]:
    async with Postbox() as postbox:
        yield postbox


@pytest.fixture(scope="session")
async def house(engines: Engines, issuer: Issuer, postbox: Postbox) -> AsyncIterator[House]:
    async with opened(settings_for(engines, issuer, smtp_url=postbox.url), issuer) as house:
        yield house
