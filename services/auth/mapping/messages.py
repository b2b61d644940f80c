"""The auth domain as the protobuf of its contract: answers and events say an account the same way."""

from primetrade.auth.v1 import auth_pb2, events_pb2

from services.auth.domain.account import Account
from services.auth.domain.revoked_session import RevokedPage
from services.auth.domain.session import RevocationReason
from services.auth.domain.signing_key import SigningKey

REASONS = {
    RevocationReason.LOGOUT: events_pb2.SESSION_REVOCATION_REASON_LOGOUT,
    RevocationReason.TOKEN_REUSE: events_pb2.SESSION_REVOCATION_REASON_TOKEN_REUSE,
}


def account_message(account: Account) -> auth_pb2.Account:
    """An account without its credential."""
    message = auth_pb2.Account(id=str(account.id), name=account.name, email=account.email, roles=list(account.roles))
    message.create_time.FromDatetime(account.created_at)
    return message


def key_message(key: SigningKey) -> auth_pb2.JsonWebKey:
    """The public half of a key (RFC 7517, RFC 8037)."""
    return auth_pb2.JsonWebKey(kty="OKP", crv="Ed25519", kid=key.kid, x=key.x, alg="EdDSA", use="sig")


def revoked_sessions_message(page: RevokedPage) -> auth_pb2.ListRevokedSessionsResponse:
    """A page of revoked sessions."""
    message = auth_pb2.ListRevokedSessionsResponse(next_page_token=page.next.token if page.next else "")
    message.retention.FromTimedelta(page.retention)
    for session in page.sessions:
        message.revoked_sessions.add(session_id=str(session.id)).revoke_time.FromDatetime(session.revoked_at)
    return message
