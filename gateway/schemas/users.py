"""The profile of a person."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from gateway.schemas.base import Answer, Body
from gateway.schemas.values import Name


class ProfilePatch(Body):
    """A merge patch (RFC 7396): only the fields that are present change."""

    name: Name = Field(default_factory=str)

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Ada King"}]})


class Profile(Answer):
    """The profile of the caller."""

    id: UUID
    name: str
    email: str
    roles: list[str]
    created_at: datetime
    updated_at: datetime

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "3f2c1e9a-6a0e-4a53-9d0d-0f6d8f3a2b11",
                    "name": "Ada Lovelace",
                    "email": "ada@example.com",
                    "roles": ["user"],
                    "createdAt": "2030-01-31T17:00:00.000Z",
                    "updatedAt": "2030-01-31T17:00:00.000Z",
                }
            ]
        }
    )
