"""Registration, login and tokens."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from gateway.schemas.base import Answer, Body
from gateway.schemas.values import SOMETHING, Email, Name, NewPassword, Secret, at_most

_ADA: JsonDict = {"id": "3f2c1e9a-6a0e-4a53-9d0d-0f6d8f3a2b11", "name": "Ada Lovelace", "email": "ada@example.com"}
_TOKENS: JsonDict = {
    "accessToken": "eyJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
    "refreshToken": "q3J0Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2FycGx5",
    "expiresIn": 900,
}


class Registration(Body):
    """A new account."""

    name: Name
    email: Email
    password: NewPassword

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Ada Lovelace", "email": "ada@example.com", "password": "correct horse battery"}]
        }
    )


class Credentials(Body):
    """Who logs in."""

    email: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254), at_most(254), SOMETHING
    ]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "correct horse battery"}]}
    )


class RefreshToken(Body):
    """A refresh token, to be used once."""

    refresh_token: Secret

    model_config = ConfigDict(json_schema_extra={"examples": [{"refreshToken": _TOKENS["refreshToken"]}]})


class User(Answer):
    """The person who logged in."""

    id: UUID
    name: str
    email: str
    created_at: datetime


class Tokens(Answer):
    """A new pair of tokens."""

    access_token: str = Field(description="JWT for the Authorization header: Bearer <accessToken>")
    refresh_token: str = Field(description="to be used once, for the next pair")
    expires_in: int = Field(description="seconds for which the access token is valid from now")

    model_config = ConfigDict(json_schema_extra={"examples": [_TOKENS]})


class Session(Answer):
    """A person and the first tokens of a session."""

    user: User
    access_token: str = Field(description="JWT for the Authorization header: Bearer <accessToken>")
    refresh_token: str = Field(description="to be used once, for the next pair")
    expires_in: int = Field(description="seconds for which the access token is valid from now")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user": {**_ADA, "createdAt": "2030-01-31T17:00:00.000Z"}, **_TOKENS}]}
    )
