"""Health and public keys."""

from typing import Literal

from pydantic import ConfigDict, Field

from gateway.schemas.base import Answer
from gateway.schemas.problem import Problem


class Alive(Answer):
    """The process runs."""

    status: Literal["alive"]


class Ready(Answer):
    """The gateway serves."""

    status: Literal["ready"]
    degraded: list[str] = Field(description="the services behind it that do not serve")

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ready", "degraded": []}]})


class NotReadyProblem(Problem):
    """The gateway cannot serve."""

    degraded: list[str]


class Key(Answer):
    """An Ed25519 public key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    alg: Literal["EdDSA"]
    use: Literal["sig"]
    kid: str
    x: str


class KeySet(Answer):
    """A JSON Web Key Set."""

    keys: list[Key]
