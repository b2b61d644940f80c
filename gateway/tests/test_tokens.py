"""No protected route answers to a token that does not hold; the routes come from the application itself.

What no token, an expired one and one of an ended session get is in test_authorisation.py.
"""

import base64
import json
from collections.abc import Callable

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.testing.issuer import Issuer
from gateway.app import ROUTES as ALL_ROUTES
from gateway.reading.route import Protected
from gateway.tests.upstream import PERSON_ID, Upstream

ROUTES = [
    (method, route.path)
    for route in ALL_ROUTES
    if isinstance(route, Protected)
    for method in sorted(route.methods or ())
]


def _unsigned(issuer: Issuer) -> str:
    parts = [{"alg": "none", "typ": "JWT", "kid": issuer.kid}, _claims(issuer)]
    return ".".join([base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts] + [""])


def _symmetric(issuer: Issuer) -> str:
    """Signed with the public key as if it were a shared secret."""
    secret = issuer.key.public_key().public_bytes_raw()
    return jwt.encode(_claims(issuer), secret, algorithm="HS256", headers={"kid": issuer.kid})


def _claims(issuer: Issuer) -> dict[str, object]:
    return jwt.decode(issuer.token(PERSON_ID), options={"verify_signature": False})


def _tampered(issuer: Issuer) -> str:
    header, _, signature = issuer.token(PERSON_ID).split(".")
    claims = base64.urlsafe_b64encode(json.dumps({**_claims(issuer), "sub": "somebody"}).encode()).decode()
    return f"{header}.{claims.rstrip('=')}.{signature}"


REFUSED: dict[str, Callable[[Issuer], str]] = {
    "empty": lambda issuer: "",
    "no token": lambda issuer: "Bearer",
    "wrong scheme": lambda issuer: f"Basic {issuer.token(PERSON_ID)}",
    "no scheme": lambda issuer: issuer.token(PERSON_ID),
    "nonsense": lambda issuer: "Bearer nonsense",
    "two words": lambda issuer: f"Bearer {issuer.token(PERSON_ID)} x",
    "wrong key": lambda issuer: f"Bearer {issuer.token(PERSON_ID, key=Ed25519PrivateKey.generate())}",
    "unknown key": lambda issuer: f"Bearer {issuer.token(PERSON_ID, headers={'kid': 'other'})}",
    "wrong audience": lambda issuer: f"Bearer {issuer.token(PERSON_ID, aud='else')}",
    "wrong issuer": lambda issuer: f"Bearer {issuer.token(PERSON_ID, iss='else')}",
    "no subject": lambda issuer: f"Bearer {issuer.token(PERSON_ID, sub=None)}",
    "alg none": lambda issuer: f"Bearer {_unsigned(issuer)}",
    "alg HS256": lambda issuer: f"Bearer {_symmetric(issuer)}",
    "tampered": lambda issuer: f"Bearer {_tampered(issuer)}",
}


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("kind", REFUSED)
async def test_a_token_that_does_not_hold_is_refused(
    kind: str, method: str, path: str, anonymous: httpx.AsyncClient, issuer: Issuer, upstream: Upstream
) -> None:
    response = await anonymous.request(method, path, headers={"authorization": REFUSED[kind](issuer)})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer ")
    assert response.json()["code"] == "unauthenticated"
    assert not upstream.received


async def test_two_tokens_are_no_token(anonymous: httpx.AsyncClient, token: str) -> None:
    header = ("authorization", f"Bearer {token}")
    response = await anonymous.get("/api/v1/users/me", headers=[header, header])
    assert response.status_code == 401


async def test_the_token_goes_along_to_the_service(client: httpx.AsyncClient, token: str, upstream: Upstream) -> None:
    assert (await client.get("/api/v1/tasks")).status_code == 200
    assert upstream.last("ListTasks").metadata["authorization"] == f"Bearer {token}"


async def test_a_public_route_forwards_no_token(client: httpx.AsyncClient, upstream: Upstream) -> None:
    response = await client.post("/api/v1/auth/login", json={"email": "ada@example.com", "password": "x"})
    assert response.status_code == 200
    assert "authorization" not in upstream.last("Login").metadata
