"""An operator's token is made by whoever has auth's settings, and opens the dead letters to them."""

import asyncio
import os
import sys

import pytest
from primetrade.events.v1 import dead_letters_pb2 as pb
from primetrade.events.v1 import dead_letters_pb2_grpc as grpc_pb
from pydantic import SecretStr, ValidationError

from chassis.errors import Forbidden
from chassis.identity import OPERATOR_ROLE
from chassis.rpc.client import ServiceChannel, bearer
from chassis.rpc.server import RpcServer
from chassis.tokens import TokenVerifier
from services.auth.crypto.key_ring import KeyRing
from services.auth.settings import Settings
from services.auth.tests.world import World, key


async def operator_token(settings: Settings, **more: str) -> tuple[str, str, int | None]:
    """What `python -m services.auth operator-token` prints, what it complains of, and its status."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "MONGO_URL": settings.mongo_url.get_secret_value(),
        "MONGO_DATABASE": settings.mongo_database,
        "AUTH_KEY_ENCRYPTION_KEY": settings.auth_key_encryption_key.get_secret_value(),
        "AUTH_REFRESH_KEY": settings.auth_refresh_key.get_secret_value(),
        "LOG_LEVEL": "debug",
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.auth", "operator-token", env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return out.decode(), err.decode(), process.returncode


async def test_it_names_its_operator_lasts_as_any_token_and_opens_the_dead_letters(auth: World) -> None:
    printed, complaints, status = await operator_token(auth.settings, OPERATOR_NAME="grace")
    assert status == 0, complaints
    token = printed.strip()
    assert printed == token + "\n"

    settings = auth.settings
    ring = auth.process.component(KeyRing)
    verifier = TokenVerifier(ring, settings.token_issuer, settings.token_audience, auth.clock)
    principal = await verifier.verify(token)
    assert (principal.subject, principal.roles) == ("operator:grace", frozenset({OPERATOR_ROLE}))
    assert principal.expires_at <= auth.clock.now() + settings.access_token_lifetime

    target = f"127.0.0.1:{auth.process.component(RpcServer).port}"
    async with ServiceChannel(target, "primetrade.events.v1.DeadLettersService", timeout=20) as channel:
        stub = grpc_pb.DeadLettersServiceStub(channel)
        answer = await stub.ListDeadLetters(pb.ListDeadLettersRequest(), metadata=bearer(token))
        assert list(answer.dead_letters) == []
        person = (await auth.register()).tokens.access_token
        with pytest.raises(Forbidden):
            await stub.ListDeadLetters(pb.ListDeadLettersRequest(), metadata=bearer(person))


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ada\n"])
def test_an_operator_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValidationError, match="operator_name"):
        Settings(auth_key_encryption_key=SecretStr(key()), auth_refresh_key=SecretStr(key()), operator_name=name)
