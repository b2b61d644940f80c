"""Public keys."""

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.answers import Json


def jwks_json(keys: Mapping[str, Ed25519PublicKey]) -> Json:
    """The keys as a JSON Web Key Set (RFC 7517, RFC 8037)."""
    return {"keys": [_jwk(kid, key) for kid, key in keys.items()]}


def _jwk(kid: str, key: Ed25519PublicKey) -> Json:
    x = base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x}
