"""Profiles."""

from primetrade.users.v1 import users_pb2

from gateway.answers import Json
from gateway.translate.times import rfc3339


def profile_json(profile: users_pb2.Profile) -> Json:
    """A person's own profile."""
    return {
        "id": profile.id,
        "name": profile.name,
        "email": profile.email,
        "roles": list(profile.roles),
        "createdAt": rfc3339(profile.create_time),
        "updatedAt": rfc3339(profile.update_time),
    }
