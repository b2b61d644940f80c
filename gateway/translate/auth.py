"""Accounts and tokens."""

from primetrade.auth.v1 import auth_pb2

from gateway.answers import Json
from gateway.translate.times import rfc3339


def session_json(account: auth_pb2.Account, tokens: auth_pb2.TokenSet) -> Json:
    """A person and the tokens of a session."""
    user = {
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "createdAt": rfc3339(account.create_time),
    }
    return {"user": user, **tokens_json(tokens)}


def tokens_json(tokens: auth_pb2.TokenSet) -> Json:
    """A pair of tokens."""
    return {
        "accessToken": tokens.access_token,
        "refreshToken": tokens.refresh_token,
        "expiresIn": tokens.expires_in.seconds,
    }
