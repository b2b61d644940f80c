"""What the auth service reads from the environment."""

import base64
import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from chassis.settings import ServiceSettings, Target

# 43 digits of base64url hold exactly 32 bytes; the padding may be left out (RFC 4648, 5).
_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")


def _key(value: SecretStr) -> SecretStr:
    if _KEY.fullmatch(value.get_secret_value()) is None:
        raise ValueError("must be base64url of exactly 32 bytes")
    return value


Key = Annotated[SecretStr, AfterValidator(_key)]
"""A secret key: base64url of exactly 32 bytes."""


def key_bytes(key: SecretStr) -> bytes:
    """The bytes of a validated key."""
    return base64.urlsafe_b64decode(key.get_secret_value().rstrip("=") + "=")


class Settings(ServiceSettings):
    """The settings of the auth service. The two keys have no default: they are secrets of each installation."""

    users_target: Target = "127.0.0.1:50052"
    users_timeout: float = Field(default=0.75, gt=0, description="seconds that a registration waits for the profile")

    auth_key_encryption_key: Key = Field(description="seals the signing keys at rest")
    auth_refresh_key: Key = Field(description="derives each refresh token from the one before")

    access_token_seconds: int = Field(default=900, ge=10)
    service_token_seconds: int = Field(default=60, ge=10)
    session_days: int = Field(default=30, ge=1, description="how long a session lasts at most")
    refresh_grace_seconds: float = Field(
        default=10, ge=0, description="how long a used refresh token still gets its session's current one"
    )

    signing_key_days: int = Field(default=30, ge=1, description="how long a key signs")
    signing_key_lead_seconds: int = Field(
        default=600, ge=60, description="how long a new key is published before it signs"
    )

    # OWASP, Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane.
    argon2_memory_kib: int = Field(default=19_456, ge=7_168)
    argon2_passes: int = Field(default=2, ge=1)
    argon2_lanes: int = Field(default=1, ge=1)
    password_hash_concurrency: int = Field(default=2, ge=1, description="passwords hashed at once; more wait")
    # At 60 ms a hash and two at once the last waits half a second; a machine ten times slower still answers in time.
    password_hash_queue: int = Field(
        default=16, ge=0, description="passwords that wait to be hashed; beyond them a login is told to come again"
    )

    lockout_failures: int = Field(default=10, ge=1, description="wrong passwords in a row that lock an account")
    lockout_seconds: int = Field(default=900, ge=1, description="how long failures count, and how long a lock lasts")

    operator_name: str = Field(
        default="operator",
        pattern=r"^[A-Za-z0-9._@-]{1,64}$",
        description="whom `operator-token` makes a token for; it stands in all that is done with it",
    )

    @property
    def access_token_lifetime(self) -> timedelta:
        """How long an access token is valid."""
        return timedelta(seconds=self.access_token_seconds)
