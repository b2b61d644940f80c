"""Guessing passwords and addresses."""

import asyncio
import threading
from typing import Any

import pytest

from chassis.errors import Invalid, Unauthenticated, Unavailable
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from services.auth.crypto.passwords import Passwords
from services.auth.tests.world import PASSWORD, World, fresh_address, running, settings

WRONG = "wrong password"
REFUSED = "^the email address or the password is wrong$"


async def refused(auth: World, email: str, password: str = WRONG) -> None:
    with pytest.raises(Unauthenticated, match=REFUSED):
        await auth.login(email, password)


async def test_unknown_and_known_addresses_cost_and_answer_the_same(
    auth: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = (await auth.register()).account.email
    hashes: list[str] = []
    passwords = auth.process.component(Passwords)
    verify = passwords._hash.verify_and_update

    def counted(password: Any, stored: Any) -> Any:
        hashes.append(stored)
        return verify(password, stored)

    monkeypatch.setattr(passwords._hash, "verify_and_update", counted)
    await refused(auth, email)
    await refused(auth, fresh_address())
    await refused(auth, "no address at all")
    assert len(hashes) == 3
    # Same algorithm, same parameters.
    assert len({stored.rsplit("$", 2)[0] for stored in hashes}) == 1
    assert await auth.collection("failed_logins").count_documents({}) >= 3


async def test_too_many_wrong_passwords_lock_for_a_while_and_never_say_so(engines: Engines) -> None:
    async with running(settings(engines, lockout_failures=3, lockout_seconds=60)) as auth:
        email = (await auth.register()).account.email
        for _ in range(3):
            await refused(auth, email)
        await refused(auth, email, PASSWORD)
        auth.clock.pass_by(seconds=30)
        await refused(auth, email, PASSWORD)
        # What was tried while it was locked does not prolong the lock.
        auth.clock.pass_by(seconds=31)
        assert (await auth.login(email)).account.email == email


async def test_the_right_password_starts_the_count_over_and_so_does_time(engines: Engines) -> None:
    async with running(settings(engines, lockout_failures=3, lockout_seconds=60)) as auth:
        email = (await auth.register()).account.email
        for _ in range(3):
            await refused(auth, email)
            await refused(auth, email)
            await auth.login(email)
        await refused(auth, email)
        await refused(auth, email)
        auth.clock.pass_by(seconds=61)
        await refused(auth, email)
        assert (await auth.login(email)).account.email == email


async def test_a_lock_is_of_one_address(engines: Engines) -> None:
    async with running(settings(engines, lockout_failures=1)) as auth:
        locked, free = (await auth.register()).account.email, (await auth.register()).account.email
        await refused(auth, locked)
        await refused(auth, locked, PASSWORD)
        assert (await auth.login(free)).account.email == free


async def test_guesses_made_at_once_are_all_counted(engines: Engines) -> None:
    async with running(settings(engines, lockout_failures=5)) as auth:
        email = (await auth.register()).account.email
        await asyncio.gather(*(refused(auth, email) for _ in range(12)))
        documents = await auth.collection("failed_logins").find({}).to_list(None)
        assert [document["count"] for document in documents] == [12]
        await refused(auth, email, PASSWORD)
        assert email not in repr(documents)


async def test_a_hash_with_other_parameters_is_renewed_at_login(engines: Engines) -> None:
    values = settings(engines)
    async with running(values) as before:
        email = (await before.register()).account.email
    async with running(values.model_copy(update={"argon2_memory_kib": 24_576})) as after:
        await refused(after, email)
        await after.login(email)
        account = await after.collection("accounts").find_one({"email": email}) or {}
        assert "m=24576" in account["password_hash"]
        assert account["sequence"] == 1
        await after.login(email)


async def test_a_password_that_nobody_can_have_is_wrong_at_the_cost_of_any_other(
    auth: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = (await auth.register()).account.email
    lengths: list[int] = []
    passwords = auth.process.component(Passwords)
    verify = passwords._hash.verify_and_update

    def measured(password: Any, stored: Any) -> Any:
        lengths.append(len(password))
        return verify(password, stored)

    monkeypatch.setattr(passwords._hash, "verify_and_update", measured)
    # NFKC makes 18 characters of this one.
    await refused(auth, email, "\ufdfa" * 1_000_000)
    await refused(auth, email, PASSWORD + "x" * 1_024)
    assert len(lengths) == 2
    assert max(lengths) <= 1_024
    with pytest.raises(Invalid):
        await auth.register(password="x" * 129)


async def test_a_login_that_would_wait_too_long_is_refused_at_once() -> None:
    may_hash, hashed = threading.Event(), 0
    passwords = Passwords(memory_kib=7_168, passes=1, lanes=1, concurrency=1, queue=2)
    stored = await passwords.hash(PASSWORD)
    verify = passwords._judged

    def held(password: str, stored: str | None) -> Any:
        nonlocal hashed
        hashed += 1
        may_hash.wait(30)
        return verify(password, stored)

    passwords._judged = held  # type: ignore[method-assign]
    async with passwords:
        three = [asyncio.create_task(passwords.verify(PASSWORD, stored)) for _ in range(3)]
        await eventually(lambda: hashed, "the first to be hashed")
        with pytest.raises(Unavailable) as refused:
            await passwords.verify(PASSWORD, stored)
        assert refused.value.retry_after >= 1
        # Who goes away makes room for another.
        three.pop().cancel()
        await asyncio.sleep(0)
        three.append(asyncio.create_task(passwords.verify(PASSWORD, stored)))
        await asyncio.sleep(0)
        may_hash.set()
        assert all(verdict.right for verdict in await asyncio.gather(*three))
        assert hashed == 3
        assert (await passwords.verify(PASSWORD, stored)).right


async def test_hashing_does_not_block_the_loop(auth: World) -> None:
    email = (await auth.register()).account.email
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(auth.login(email) for _ in range(3)))
    ticking.cancel()
    assert ticks > 50
