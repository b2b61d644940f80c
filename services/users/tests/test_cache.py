"""The cache of profiles: it saves reads, and nobody sees yesterday's profile because of it."""

from uuid import UUID

import pytest

from chassis.clock import SystemClock
from chassis.errors import NotFound
from chassis.settings import read_settings
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from chassis.testing.measured import measured
from services.users.domain.profile import NewProfile, Profile
from services.users.settings import Settings
from services.users.store.cache import ProfileCache
from services.users.tests.world import World, profile, running, settings


def count(outcome: str) -> float:
    """Look-ups with that outcome so far."""
    labels = {"cache": "profiles", "outcome": outcome}
    return measured("primetrade_cache_requests_total", **labels) or 0


async def test_a_profile_that_was_read_is_not_asked_of_mongodb_again(users: World) -> None:
    hers = await users.person()
    hits = count("hit")
    await users.profiles.update_one({"_id": UUID(hers.id)}, {"$set": {"name": "changed behind its back"}})
    assert await users.get("me", hers.id) == hers
    assert count("hit") == hits + 1


async def test_that_there_is_no_profile_is_not_kept(users: World) -> None:
    told, misses = profile(), count("miss")
    for _ in range(2):
        with pytest.raises(NotFound):
            await users.get("me", told.id)
    assert count("miss") == misses + 2
    created = await users.create(told)
    assert await users.get("me", told.id) == created


async def test_a_writer_reads_their_own_write_at_once(users: World) -> None:
    hers = await users.person()
    for number in range(10):
        changed = await users.update("me", hers.id, "name", name=f"Ada {number}")
        assert await users.get("me", hers.id) == changed


async def test_what_another_process_changes_is_seen_here(engines: Engines, issuer: Issuer) -> None:
    values = settings(engines, issuer)
    async with running(values, issuer) as one, running(values, issuer) as other:
        hers = await one.person()
        assert await other.get("me", hers.id) == hers
        changed = await one.update("me", hers.id, "name", name="Ada King")

        async def seen() -> bool:
            return await other.get("me", hers.id) == changed

        await eventually(seen, "the change in the other process")
        back = await other.update("me", hers.id, "name", name="Ada Byron")

        async def seen_here() -> bool:
            return await one.get("me", hers.id) == back

        await eventually(seen_here, "the change in the first process")


async def test_a_cache_that_is_away_fails_nothing(engines: Engines, issuer: Issuer) -> None:
    values = settings(engines, issuer, redis_url="redis://127.0.0.1:9/0")
    async with running(values, issuer) as users:
        away = count("away")
        hers = await users.person()
        assert await users.get("me", hers.id) == hers
        changed = await users.update("me", hers.id, "name", name="Ada King")
        assert await users.get("me", hers.id) == changed
        assert count("away") == away + 2


def state(version: int, of: Profile | None = None) -> Profile:
    """A profile at that version."""
    told, now = profile(), SystemClock().now()
    new = NewProfile(of.id if of else UUID(told.id), f"Ada {version}", told.email, ("user",), now)
    made = Profile.create(new, now)
    made.saved(version, version)
    return made


async def test_an_older_state_never_replaces_a_newer_one() -> None:
    cache = ProfileCache("", seconds=300, size=10)
    newer = state(2)
    await cache.put(newer)
    # A reader that loaded before the write and comes after it.
    await cache.put(state(1, newer))
    found = await cache.find(newer.id)
    assert found is not None
    assert (found.version, found.name) == (2, "Ada 2")
    assert (found.created_at, found.updated_at, found.roles) == (newer.created_at, newer.updated_at, newer.roles)
    # A shared cache that another process, slower than this one, has given an older state.
    await cache._set(state(1, newer))
    assert await cache.find(newer.id) is None
    await cache.put(newer)
    assert (await cache.find(newer.id)) is not None
    # What is there and cannot be read is as good as nothing.
    await cache._cache.set(f"primetrade:users:profile:{newer.id}", b"{}")
    assert await cache.find(newer.id) is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://cache:6379"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://cache:port"),
        ("PROFILE_CACHE_SECONDS", "0"),
        ("PROFILE_CACHE_SIZE", "many"),
    ],
)
def test_a_wrong_setting_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit):
        read_settings(Settings)
    said = capsys.readouterr().err
    assert said.startswith(f"setting {variable}: ")
    assert value not in said
