"""Somebody else's task, profile or notification is not found, by every route; no token opens nothing."""

import base64
import json
from typing import Any

import httpx
import jwt
import pytest

from tests.e2e.conftest import Person

TASK_CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/tasks/{id}", {}),
    ("PATCH", "/tasks/{id}", {"json": {"title": "Mine now"}}),
    ("POST", "/tasks/{id}/complete", {}),
    ("DELETE", "/tasks/{id}", {}),
]


@pytest.mark.parametrize(("method", "path", "options"), TASK_CALLS)
async def test_somebody_elses_task_is_not_found(
    ada: Person, eve: Person, method: str, path: str, options: dict[str, Any]
) -> None:
    task = await ada.create_task()
    answer = await eve.call(method, path.format(id=task["id"]), **options)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await ada.call("GET", f"/tasks/{task['id']}")).json() == task
    assert (await eve.call("GET", "/tasks")).json()["total"] == 0


async def test_somebody_elses_notification_is_not_found(ada: Person, eve: Person) -> None:
    (welcome,) = await ada.inbox_with("welcome")
    answer = await eve.call("PATCH", f"/notifications/{welcome['id']}", json={"read": True})
    assert answer.status_code == 404
    assert not (await ada.inbox_with("welcome"))[0]["read"]


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
