"""A person's profile: created at registration, read and changed by its owner alone."""

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest
from primetrade.auth.v1 import auth_pb2
from primetrade.users.v1 import events_pb2, users_pb2

from chassis.errors import Forbidden, Invalid, NotFound, Unauthenticated, VersionMismatch
from chassis.testing.eventually import eventually
from services.users.tests.world import World, profile, records


async def test_a_person_reads_and_changes_their_profile(users: World) -> None:
    told = profile("  Ada Lovelace ")
    created = await users.create(told)
    assert created.name == "Ada Lovelace"
    assert (created.id, created.email, list(created.roles)) == (told.id, told.email, ["user"])
    assert created.create_time == told.create_time
    assert await users.get("me", told.id) == await users.get(told.id, told.id) == created

    changed = await users.update("me", told.id, "name", name=" Countess of Lovelace ")
    assert changed.name == "Countess of Lovelace"
    assert changed.etag != created.etag
    assert changed.update_time.ToDatetime() > created.update_time.ToDatetime()
    assert await users.get("me", told.id) == changed
    assert (await users.update(told.id, told.id, "name", name="Ada")).name == "Ada"


async def test_somebody_elses_profile_is_not_found(users: World) -> None:
    hers, his = await users.person(), await users.person("Charles")
    for attempt in (
        users.get(hers.id, his.id),
        users.update(hers.id, his.id, "name", name="Mine"),
        users.update(hers.id, his.id, "name", name="Mine", roles=["operator"]),
        users.update(hers.id, his.id, "name", name="Mine", etag=hers.etag),
        users.get(str(uuid4()), his.id),
        users.get("me", str(uuid4())),
        users.get("me", "service:auth", roles=["service"]),
        users.get("nonsense", his.id),
        users.get("", his.id),
        users.get("x" * 100_000, his.id),
        users.get(his.id.replace("-", ""), his.id),
    ):
        with pytest.raises(NotFound) as refused:
            await attempt
        assert refused.value.resource == "profile"
    assert (await users.get("me", hers.id)).name == "Ada"


@pytest.mark.parametrize("role", ["operator", "service"])
async def test_operators_and_services_read_every_profile(users: World, role: str) -> None:
    hers = await users.person()
    assert await users.get(hers.id, str(uuid4()), roles=["user", role]) == hers


async def test_only_a_service_creates_profiles(users: World) -> None:
    told = profile()
    with pytest.raises(Forbidden):
        await users.stub.CreateProfile(
            users_pb2.CreateProfileRequest(profile=told),
            metadata=(("authorization", f"Bearer {users.issuer.token(told.id)}"),),
        )
    for method, request in (
        (users.stub.GetProfile, users_pb2.GetProfileRequest(id="me")),
        (users.stub.UpdateProfile, users_pb2.UpdateProfileRequest()),
        (users.stub.CreateProfile, users_pb2.CreateProfileRequest(profile=told)),
    ):
        call: Any = method
        with pytest.raises(Unauthenticated):
            await call(request)
    assert await users.profiles.find_one({"email": told.email}) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", "42"),
        ("id", "{d5b1f6a2-27f4-4a86-8f0c-0d1d6a3f8c11}"),
        ("name", " "),
        ("name", "x" * 101),
        ("name", "Ada\x07"),
        ("email", ""),
        ("email", "nobody"),
        ("email", "x" * 250 + "@a.de"),
    ],
)
async def test_a_field_that_breaks_its_rule_is_named(users: World, field: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        await users.create(profile(**{field: value} if field != "name" else {}, name=value if field == "name" else "A"))
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_all_fields_that_break_their_rules_are_named_at_once(users: World) -> None:
    with pytest.raises(Invalid) as refused:
        await users.create(users_pb2.Profile())
    assert [violation.field for violation in refused.value.violations] == ["id", "name", "email", "create_time"]


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 101, "Ada\x00", "Ada\nLovelace", "Ada\u2029King", "Ada\x9f", "\u200b"]
)
async def test_a_name_that_breaks_its_rule_changes_nothing(users: World, name: str) -> None:
    hers = await users.person()
    with pytest.raises(Invalid) as refused:
        await users.update("me", hers.id, "name", name=name)
    assert [violation.field for violation in refused.value.violations] == ["name"]
    assert await users.get("me", hers.id) == hers


@pytest.mark.parametrize(
    "paths", [(), ("email",), ("name", "email"), ("roles",), ("create_time",), ("nickname",), ("*",), ("",)]
)
async def test_a_mask_that_names_anything_else_is_refused(users: World, paths: tuple[str, ...]) -> None:
    hers = await users.person()
    with pytest.raises(Invalid) as refused:
        await users.update("me", hers.id, *paths, name="Ada King")
    assert [violation.field for violation in refused.value.violations] == ["update_mask"]
    assert await users.get("me", hers.id) == hers


async def test_an_etag_that_is_not_the_current_one_changes_nothing(users: World) -> None:
    hers = await users.person()
    changed = await users.update("me", hers.id, "name", name="Ada King", etag=hers.etag)
    with pytest.raises(VersionMismatch) as refused:
        await users.update("me", hers.id, "name", name="Ada Byron", etag=hers.etag)
    assert refused.value.current == changed.etag
    assert await users.get("me", hers.id) == changed


async def test_changes_made_at_once_all_succeed_without_etags_and_one_does_with(users: World) -> None:
    hers = await users.person()
    await asyncio.gather(*(users.update("me", hers.id, "name", name=f"Ada {number}") for number in range(3)))
    now = await users.get("me", hers.id)
    assert now.etag == "4"
    results = await asyncio.gather(
        *(users.update("me", hers.id, "name", name=f"Ada {number}", etag="4") for number in range(10, 14)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Profile", *["VersionMismatch"] * 3]


async def test_many_changes_made_at_once_without_etags_all_succeed(users: World) -> None:
    hers = await users.person()
    await asyncio.gather(*(users.update("me", hers.id, "name", name=f"Ada {number}") for number in range(60)))
    assert (await users.get("me", hers.id)).etag == "61"


async def test_events_tell_the_state_after_each_change_and_no_change_is_no_event(users: World) -> None:
    hers = await users.person()
    same = await users.update("me", hers.id, "name", name=hers.name)
    assert same == hers
    changed = await users.update("me", hers.id, "name", name="Ada King")
    (created_event, headers), (updated_event, _) = await users.events(hers.id, until=2)
    assert events_pb2.ProfileCreated.FromString(created_event.data).profile == hers
    updated = events_pb2.ProfileUpdated.FromString(updated_event.data)
    assert updated.profile == changed
    assert list(updated.changed.paths) == ["name"]
    assert headers["ce_type"] == "primetrade.users.v1.ProfileCreated"
    assert headers["ce_source"] == "/primetrade/users"
    assert headers["ce_subject"] == headers["ce_partitionkey"] == hers.id
    assert headers["ce_sequence"] == "0000000001"
    assert headers["content-type"] == "application/protobuf"
    assert headers["ce_actor"] == "service:test"
    assert updated_event.actor == hers.id


def account_of(told: users_pb2.Profile) -> auth_pb2.Account:
    account = auth_pb2.Account(id=told.id, name=told.name, email=told.email, roles=told.roles)
    account.create_time.CopyFrom(told.create_time)
    return account


async def test_a_registration_that_could_not_ask_gets_its_profile_by_event(users: World) -> None:
    told = profile("Grace")
    with pytest.raises(NotFound):
        await users.get("me", told.id)
    await users.register(account_of(told))

    async def found() -> users_pb2.Profile | None:
        try:
            return await users.get("me", told.id)
        except NotFound:
            return None

    made = await eventually(found, "the profile of the account")
    assert made is not None
    assert (made.name, made.email, made.create_time) == ("Grace", told.email, told.create_time)


async def test_a_profile_is_created_once_however_often_and_by_whomever_it_is_asked(users: World) -> None:
    told = profile("Grace")
    first, *others = await asyncio.gather(
        *(users.create(told) for _ in range(5)), users.register(account_of(told)), users.register(account_of(told))
    )
    assert isinstance(first, users_pb2.Profile)
    assert [other for other in others if other is not None] == [first] * 4
    changed = await users.update("me", told.id, "name", name="Grace Hopper")
    # A late repeat finds the profile as it stands.
    assert await users.create(told) == changed
    await users.register(account_of(told))
    after = profile("Later")
    after.id = told.id
    assert await users.create(after) == changed
    events = await users.events(told.id, until=2)
    assert [event.sequence for event, _ in events] == [1, 2]


async def test_an_account_that_cannot_have_a_profile_is_put_aside_and_holds_up_nobody(users: World) -> None:
    broken, told = auth_pb2.Account(id="no id at all"), profile()
    await users.register(broken)
    await users.register(account_of(told))
    await eventually(lambda: users.profiles.find_one({"email": told.email}), "the profile of the next account")
    prefix = users.settings.kafka_prefix
    async with aclosing(records(users.settings, f"{prefix}.auth.v1.users.dlq")) as letters:
        letter = await anext(letters)
    assert letter.key == b"no id at all"
    assert b"profile" in dict(letter.headers)["dlq_reason"]
