"""Register, log in, refresh, log out: as a client sees it."""

import asyncio

import pytest
from primetrade.auth.v1 import auth_pb2, events_pb2

from chassis.errors import AlreadyExists, Invalid, Unauthenticated
from chassis.testing.engines import Engines
from services.auth.tests.world import PASSWORD, World, fresh_address, running, settings


async def test_a_person_registers_logs_in_refreshes_and_logs_out(auth: World) -> None:
    registered = await auth.register("  Ada.Lovelace@Example.ORG ".replace("Ada", fresh_address()[:8]), name=" Ada ")
    assert registered.account.name == "Ada"
    assert registered.account.email == registered.account.email.lower().strip()
    assert registered.tokens.expires_in.ToSeconds() == 900

    logged_in = await auth.login(registered.account.email.upper())
    assert logged_in.account == registered.account
    assert logged_in.tokens.refresh_token != registered.tokens.refresh_token

    refreshed = await auth.refresh(logged_in.tokens.refresh_token)
    assert refreshed.refresh_token != logged_in.tokens.refresh_token
    await auth.logout(refreshed.refresh_token)
    with pytest.raises(Unauthenticated):
        await auth.refresh(refreshed.refresh_token)
    # The other session goes on.
    assert (await auth.refresh(registered.tokens.refresh_token)).access_token


async def test_an_address_is_registered_once(auth: World) -> None:
    first = await auth.register()
    with pytest.raises(AlreadyExists) as refused:
        await auth.register(first.account.email.upper(), password="another password")
    assert (refused.value.resource, refused.value.name) == ("account", first.account.email)


async def test_of_two_who_register_one_address_at_once_one_succeeds(auth: World) -> None:
    email = fresh_address()
    results = await asyncio.gather(*(auth.register(email) for _ in range(4)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["AlreadyExists"] * 3 + ["RegisterResponse"]
    assert await auth.collection("accounts").count_documents({"email": email}) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 101),
        ("name", "Ada\x00Lovelace"),
        ("name", "Ada\nLovelace"),
        ("name", "Ada\u2028Lovelace"),
        ("name", "\u200b \u2060"),
        ("email", ""),
        ("email", "ada"),
        ("email", "ada@"),
        ("email", "@example.org"),
        ("email", "ada@example"),
        ("email", "ada lovelace@example.org"),
        ("email", "ada@exam_ple.org"),
        ("email", "ada\x00@example.org"),
        ("email", "Ada <ada@example.org>"),
        ("email", "a" * 65 + "@example.org"),
        ("email", "ada@" + "x." * 126 + "org"),
        ("email", "x" * 100_000),
        ("password", ""),
        ("password", "seven77"),
        ("password", "x" * 129),
        ("password", "correct\x00horse"),
        ("password", "correct\x7fhorse"),
    ],
)
async def test_a_field_that_breaks_its_rule_is_named(auth: World, field: str, value: str) -> None:
    good = {"name": "Ada", "email": fresh_address(), "password": PASSWORD}
    with pytest.raises(Invalid) as refused:
        await auth.stub.Register(auth_pb2.RegisterRequest(**(good | {field: value})))
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_all_fields_that_break_their_rules_are_named_at_once(auth: World) -> None:
    with pytest.raises(Invalid) as refused:
        await auth.stub.Register(auth_pb2.RegisterRequest())
    assert [violation.field for violation in refused.value.violations] == ["name", "email", "password"]


@pytest.mark.parametrize(
    ("name", "password"),
    [("A", "x" * 8), ("x" * 100, "x" * 128), ("Zoë 张伟 👩‍💻", "pässwörd 🔑 with spaces "), ("O'Neil", " leading")],
)
async def test_what_keeps_the_rules_is_taken_as_it_is(auth: World, name: str, password: str) -> None:
    registered = await auth.register(name=name, password=password)
    assert registered.account.name == name
    assert (await auth.login(registered.account.email, password)).account.id == registered.account.id


async def test_a_registration_is_an_event_without_credentials(auth: World) -> None:
    registered = await auth.register()
    event, message, headers = await auth.event(events_pb2.AccountRegistered, registered.account.id)
    assert message.account == registered.account
    assert event.sequence == 1
    assert headers["ce_type"] == "primetrade.auth.v1.AccountRegistered"
    assert headers["ce_source"] == "/primetrade/auth"
    assert headers["ce_sequence"] == "0000000001"
    assert headers["content-type"] == "application/protobuf"
    assert b"argon2" not in event.data


async def test_a_logout_is_an_event(auth: World) -> None:
    registered = await auth.register()
    await auth.logout(registered.tokens.refresh_token)
    session = (await auth.collection("sessions").find_one({"deleted_at": {"$exists": True}}, sort=[("_id", -1)])) or {}
    event, message, _ = await auth.event(events_pb2.SessionRevoked, str(session["_id"]))
    assert message.account_id == registered.account.id
    assert message.session_id == event.subject
    assert message.reason == events_pb2.SESSION_REVOCATION_REASON_LOGOUT
    # Again: no error, and nothing to tell.
    await auth.logout(registered.tokens.refresh_token)


@pytest.mark.parametrize("token", ["x", "x" * 64, "é" * 64, "-" * 64, "x" * 100_000])
async def test_an_unknown_refresh_token_refreshes_nothing_and_ends_nothing(auth: World, token: str) -> None:
    await auth.logout(token)
    with pytest.raises(Unauthenticated, match="the refresh token is not valid"):
        await auth.refresh(token)


async def test_a_missing_credential_is_named(auth: World) -> None:
    with pytest.raises(Invalid) as login:
        await auth.login("", "")
    assert [violation.field for violation in login.value.violations] == ["email", "password"]
    for method in (auth.refresh, auth.logout):
        with pytest.raises(Invalid) as refused:
            await method("")
        assert [violation.field for violation in refused.value.violations] == ["refresh_token"]


async def test_accounts_and_sessions_survive_a_restart(engines: Engines) -> None:
    values = settings(engines)
    async with running(values) as before:
        registered = await before.register()
    async with running(values) as after:
        assert (await after.login(registered.account.email)).account == registered.account
        assert (await after.refresh(registered.tokens.refresh_token)).access_token
