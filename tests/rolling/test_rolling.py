"""All ten processes of a doubled suite are replaced under load, and nobody notices."""

import pytest

from tests.rolling.settings import RollingSettings
from tests.rolling.trial import run


@pytest.mark.engines
@pytest.mark.xdist_group("rolling")
def test_no_request_fails_while_every_process_is_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    settings = RollingSettings()
    with capsys.disabled():
        report = run(settings, lambda step: print(step, flush=True))
    assert report.sound, report.evidence()
    # Nothing was proven by a run in which little was asked.
    assert report.account.total >= settings.requests
    assert len(report.account.asked) == 10
