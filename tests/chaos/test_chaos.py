"""Everything is killed, frozen, doubled, slowed and poisoned under load: nothing is lost, doubled or out of order."""

import pytest

from tests.chaos.history import Outcome
from tests.chaos.schedule import VICTIMS
from tests.chaos.settings import ChaosSettings
from tests.chaos.trial import Trial

SEED = 5


@pytest.mark.engines
@pytest.mark.xdist_group("chaos")
def test_no_promise_is_broken_whatever_is_killed(capsys: pytest.CaptureFixture[str]) -> None:
    settings = ChaosSettings()
    seed = SEED if settings.seed is None else settings.seed
    trial = Trial(seed, settings.kills, settings.people, settings.pause)
    with capsys.disabled():
        report = trial.run(lambda step: print(step, flush=True))
    assert report.sound, report.evidence()
    # Nothing was proven by a run in which little happened.
    assert report.killed.total() == settings.kills
    if settings.kills >= 60 and report.engines != "embedded":
        assert report.killed.keys() == VICTIMS.keys()
    assert report.verdict.sizes[f"writes {Outcome.ACKNOWLEDGED.value}"] > 10 * settings.kills
    assert report.verdict.sizes["poisoned records"] > 0
