"""An issuer of access tokens for tests of one service: real Ed25519 keys, published over real gRPC as auth does."""

import base64
import time
from typing import Any
from uuid import uuid4

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from primetrade.auth.v1 import auth_pb2

from chassis.rpc.keys import AUTH_SERVICE
from chassis.tokens import ALGORITHM


class Issuer:
    """Async context manager: answers GetJwks on `target` while entered; every other method is UNIMPLEMENTED."""

    def __init__(self, issuer: str = "primetrade-auth", audience: str = "primetrade") -> None:
        self.issuer, self.audience, self.kid = issuer, audience, "test-key"
        self.key = Ed25519PrivateKey.generate()
        self.target = ""
        self._server: grpc.aio.Server | None = None

    async def __aenter__(self) -> "Issuer":
        server = self._server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(
            self._jwks,
            request_deserializer=auth_pb2.GetJwksRequest.FromString,
            response_serializer=auth_pb2.GetJwksResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(AUTH_SERVICE, {"GetJwks": handler}),))
        self.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            await self._server.stop(0)

    def token(self, subject: str, *, key: Any = None, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of the subject, valid for a day, which no run of tests outlasts, unless the claims say otherwise; a
        claim of None is left out."""
        now = int(time.time())
        payload = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "sid": str(uuid4()),
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + 86_400,
            "roles": ["user"],
            "scope": "",
            **claims,
        }
        payload = {name: value for name, value in payload.items() if value is not None}
        header = {name: value for name, value in {"kid": self.kid, **(headers or {})}.items() if value is not None}
        return jwt.encode(payload, key or self.key, algorithm=ALGORITHM, headers=header)

    def service_token(self) -> str:
        """A token of another service."""
        return self.token("service:test", roles=["service"])

    async def _jwks(self, _: auth_pb2.GetJwksRequest, __: Any) -> auth_pb2.GetJwksResponse:
        x = base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw()).rstrip(b"=").decode()
        key = auth_pb2.JsonWebKey(kty="OKP", crv="Ed25519", kid=self.kid, x=x, alg=ALGORITHM, use="sig")
        return auth_pb2.GetJwksResponse(keys=[key])
