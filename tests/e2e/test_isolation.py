"""What is somebody else's is not found, by any route of the table; a token cannot be turned into another."""

import base64
import json
from typing import Any

import httpx
import jwt
import pytest

from gateway.authorisation import TABLE
from tests.e2e.conftest import Person

OTHERS = {route: row.others for route, row in TABLE.items() if row.others is not None}
BODIES = {"/api/v1/tasks/{task_id}": {"title": "Mine now"}, "/api/v1/notifications/{notification_id}": {"read": True}}
"""What a PATCH says there."""


@pytest.mark.parametrize(("method", "path"), OTHERS)
async def test_what_is_somebody_elses_is_not_found(ada: Person, eve: Person, method: str, path: str) -> None:
    task, (welcome,) = await ada.create_task(), await ada.inbox_with("welcome")
    asked = path.removeprefix("/api/v1").format(task_id=task["id"], notification_id=welcome["id"])
    answer = await eve.call(method, asked, json=BODIES[path] if method == "PATCH" else None)
    assert (answer.status_code, answer.json()["code"]) == (OTHERS[method, path], "not-found")
    assert (await ada.call("GET", f"/tasks/{task['id']}")).json() == task
    assert await ada.inbox_with("welcome") == [welcome]
    assert (await eve.call("GET", "/tasks")).json()["total"] == 0


def tampered(token: str, **changes: Any) -> str:
    header, _, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    return f"{header}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"


def unsigned(token: str) -> str:
    return jwt.encode(jwt.decode(token, options={"verify_signature": False}), "", algorithm="none")


async def test_a_token_cannot_be_turned_into_another(ada: Person, eve: Person) -> None:
    forged = [
        tampered(eve.access_token, sub=ada.id),
        tampered(eve.access_token, roles=["operator", "service"]),
        tampered(eve.access_token, exp=2**33),
        unsigned(ada.access_token),
        ada.access_token[:-8] + "AAAAAAAA",
        "hello",
    ]
    for token in forged:
        eve.access_token = token
        answer = await eve.call("GET", "/tasks")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_published_keys_verify_a_token(http: httpx.AsyncClient, ada: Person) -> None:
    keys = jwt.PyJWKSet.from_dict((await http.get("/.well-known/jwks.json")).json())
    kid = jwt.get_unverified_header(ada.access_token)["kid"]
    claims = jwt.decode(
        ada.access_token, keys[kid], algorithms=["EdDSA"], audience="primetrade", issuer="primetrade-auth"
    )
    assert claims["sub"] == ada.id
    assert claims["exp"] - claims["iat"] == 900
