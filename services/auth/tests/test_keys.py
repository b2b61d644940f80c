"""Access tokens and the keys that sign them."""

import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from primetrade.auth.v1 import auth_pb2

from chassis.errors import Unauthenticated
from chassis.mongo import Mongo
from chassis.testing.engines import Engines
from chassis.tokens import TokenVerifier
from services.auth.crypto.key_ring import KeyRing
from services.auth.crypto.sealing import CannotOpen, Seal
from services.auth.domain.signing_key import CLOCKS_DIFFER, thumbprint
from services.auth.jobs import rotate_keys_now, rotation
from services.auth.settings import key_bytes
from services.auth.tests.world import World, running, settings


async def jwks(auth: World) -> jwt.PyJWKSet:
    """The published keys, as any client of the JSON document reads them."""
    answer = await auth.stub.GetJwks(auth_pb2.GetJwksRequest())
    members = ("kty", "crv", "kid", "x", "alg", "use")
    document = {"keys": [{member: getattr(item, member) for member in members} for item in answer.keys]}
    return jwt.PyJWKSet.from_json(json.dumps(document))


def verified(token: str, keys: jwt.PyJWKSet, leeway: float = 0) -> dict[str, Any]:
    """The claims, as a plain PyJWT consumer verifies them."""
    claims: dict[str, Any] = jwt.decode(
        token,
        keys[jwt.get_unverified_header(token)["kid"]],
        algorithms=["EdDSA"],
        audience="primetrade",
        issuer="primetrade-auth",
        leeway=leeway,
    )
    return claims


async def rotate(auth: World) -> None:
    """What the command does, at the test's time, and what every process does soon after."""
    await rotation(auth.settings, auth.process.component(Mongo), auth.clock)(now=True)
    await auth.process.component(KeyRing).reload()


async def test_a_plain_consumer_verifies_a_token_with_the_published_keys(auth: World) -> None:
    registered = await auth.register()
    claims = verified(registered.tokens.access_token, await jwks(auth))
    assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "roles", "scope"}
    assert claims["sub"] == registered.account.id
    assert claims["roles"] == ["user"]
    assert claims["exp"] - claims["iat"] == 900
    assert abs(claims["iat"] - time.time()) < 60
    assert await auth.collection("sessions").count_documents({"account_id": {"$exists": True}}) >= 1
    again = verified((await auth.refresh(registered.tokens.refresh_token)).access_token, await jwks(auth))
    assert again["sid"] == claims["sid"]
    assert again["jti"] != claims["jti"]


async def test_the_key_id_is_the_thumbprint_of_rfc_8037() -> None:
    x = jwt.utils.base64url_decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert thumbprint(x) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


async def test_auth_verifies_with_its_own_keys(auth: World) -> None:
    token = (await auth.register()).tokens.access_token
    verifier = TokenVerifier(auth.process.component(KeyRing), "primetrade-auth", "primetrade", auth.clock)
    assert (await verifier.verify(token)).roles == {"user"}
    with pytest.raises(Unauthenticated):
        await verifier.verify(token[:-4] + "AAAA")


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_are_over(
    engines: Engines,
) -> None:
    async with running(settings(engines, signing_key_lead_seconds=600)) as auth:
        email = (await auth.register()).account.email
        old = jwt.get_unverified_header((await auth.login(email)).tokens.access_token)["kid"]
        await rotate(auth)
        assert len((await jwks(auth)).keys) == 2
        before = (await auth.login(email)).tokens.access_token
        assert jwt.get_unverified_header(before)["kid"] == old

        auth.clock.pass_by(seconds=601)
        after = (await auth.login(email)).tokens.access_token
        new = jwt.get_unverified_header(after)["kid"]
        assert new != old
        assert verified(before, await jwks(auth))["sub"] == verified(after, await jwks(auth), leeway=700)["sub"]

        auth.clock.ahead += timedelta(seconds=900) + CLOCKS_DIFFER
        assert [item.key_id for item in (await jwks(auth)).keys] == [new]
        # The next rotation forgets it for good.
        await rotate(auth)
        assert await auth.collection("signing_keys").distinct("_id") == [2, 3]


async def test_keys_are_rotated_when_they_have_signed_long_enough(engines: Engines) -> None:
    async with running(settings(engines, signing_key_days=7)) as auth:
        rotate_when_due = rotation(auth.settings, auth.process.component(Mongo), auth.clock)
        # The service's own job does the same at the same time: what is made is made once.
        await asyncio.gather(*(rotate_when_due() for _ in range(4)))
        assert await auth.collection("signing_keys").distinct("_id") == [1]
        auth.clock.pass_by(days=7)
        await asyncio.gather(*(rotate_when_due() for _ in range(4)))
        assert await auth.collection("signing_keys").distinct("_id") == [1, 2]
        assert await rotate_when_due() is None


async def test_the_command_makes_the_next_key(engines: Engines, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(settings(engines)) as auth:
        await rotate_keys_now(auth.settings)
        said = capsys.readouterr().out
        published = auth.process.component(KeyRing)
        await published.reload()
        newest = published.published()[-1]
        assert f"key {newest.kid} is published and signs from {newest.active_from.isoformat()}" in said


async def test_replicas_that_start_at_once_agree_on_the_keys(engines: Engines) -> None:
    values = settings(engines)
    async with running(values) as one, running(values) as other:
        token = (await one.register()).tokens.access_token
        assert verified(token, await jwks(other))
    apart = settings(engines)
    async with running(apart) as auth:
        await auth.collection("signing_keys").delete_many({})
        made = rotation(apart, auth.process.component(Mongo), auth.clock)
        rings = [KeyRing(made.keys, made.seal, made.schedule, auth.clock) for _ in range(5)]
        await asyncio.gather(*(ring.__aenter__() for ring in rings))
        assert len({ring.signing()[0] for ring in rings}) == 1
        assert await auth.collection("signing_keys").count_documents({}) == 1


async def test_the_private_keys_cannot_be_read_without_the_key_encryption_key(engines: Engines) -> None:
    values = settings(engines)
    async with running(values) as auth:
        ring = auth.process.component(KeyRing)
        kid, private = ring.signing()
        stored = await auth.collection("signing_keys").find_one({}) or {}
        assert private.private_bytes_raw() not in stored["sealed"]
        name = f"signing key {kid}"
        opened = Seal(key_bytes(values.auth_key_encryption_key)).open(stored["sealed"], name)
        assert opened == private.private_bytes_raw()
        with pytest.raises(CannotOpen):
            Seal(bytes(32)).open(stored["sealed"], name)
        # Sealed under its own name: it cannot be passed off as another key.
        with pytest.raises(CannotOpen):
            Seal(key_bytes(values.auth_key_encryption_key)).open(stored["sealed"], "signing key x")
    other = values.model_copy(update={"auth_key_encryption_key": settings(engines).auth_key_encryption_key})
    with pytest.raises(CannotOpen, match="AUTH_KEY_ENCRYPTION_KEY does not open signing key") as refused:
        async with running(other):
            pass
    assert other.auth_key_encryption_key.get_secret_value() not in str(refused.value)


async def test_no_secret_shows_in_a_representation(auth: World) -> None:
    ring = auth.process.component(KeyRing)
    shown = f"{auth.settings!r} {auth.settings} {ring.published()!r}"
    for secret in (auth.settings.auth_key_encryption_key, auth.settings.auth_refresh_key):
        assert secret.get_secret_value() not in shown
