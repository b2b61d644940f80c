"""The plan follows from its seed, has every kill it was asked for, and every kind of fault."""

from collections import Counter

from tests.chaos.schedule import VICTIMS, planned


def test_a_plan_follows_from_its_seed() -> None:
    assert list(planned(7, 60)) == list(planned(7, 60))
    assert list(planned(7, 60)) != list(planned(8, 60))


def test_sixty_kills_hit_everybody_in_their_share() -> None:
    rounds = list(planned(1, 60))
    assert Counter(name for one in rounds for name in one.victims) == VICTIMS
    assert all(len(set(one.victims)) == len(one.victims) > 0 for one in rounds)


def test_every_other_fault_comes_too() -> None:
    rounds = list(planned(1, 60))
    assert sum(one.guest is not None for one in rounds) >= 5
    assert sum(bool(one.frozen) for one in rounds) >= 3
    assert sum(one.slow is not None for one in rounds) >= 3
    assert min(one.poison for one in rounds) == 1


def test_a_broker_in_memory_alone_is_spared() -> None:
    rounds = list(planned(1, 200, broker=False))
    assert sum(len(one.victims) for one in rounds) == 200
    assert not any("kafka" in (*one.victims, one.frozen) for one in rounds)
