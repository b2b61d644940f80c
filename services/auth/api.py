"""The gRPC servicer of primetrade.auth.v1.AuthService: translates, and does nothing else."""
# ruff: noqa: N802, ARG002 - gRPC names its methods and gives each a context

from dataclasses import dataclass

from google.protobuf.empty_pb2 import Empty
from primetrade.auth.v1 import auth_pb2, auth_pb2_grpc

from chassis.rpc.concerns import Access, Context
from chassis.rpc.server import Service
from services.auth.crypto.key_ring import KeyRing
from services.auth.mapping.messages import account_message, key_message, revoked_sessions_message
from services.auth.mapping.requests import revoked_sessions_of
from services.auth.usecases.list_revoked_sessions import ListRevokedSessions
from services.auth.usecases.log_in import LogIn
from services.auth.usecases.log_out import LogOut
from services.auth.usecases.refresh_session import RefreshSession
from services.auth.usecases.register_account import RegisterAccount
from services.auth.usecases.start_session import Tokens

DESCRIPTOR = auth_pb2.DESCRIPTOR.services_by_name["AuthService"]
# The credential is in the request; or what is told is public: keys, and what the topic tells of ended sessions.
ACCESS = dict.fromkeys(("Register", "Login", "Refresh", "Logout", "GetJwks", "ListRevokedSessions"), Access.PUBLIC)


@dataclass(frozen=True)
class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    """AuthService in use cases."""

    register: RegisterAccount
    log_in: LogIn
    refresh: RefreshSession
    log_out: LogOut
    list_revoked: ListRevokedSessions
    keys: KeyRing

    async def Register(self, request: auth_pb2.RegisterRequest, context: Context) -> auth_pb2.RegisterResponse:
        account, tokens = await self.register(request.name, request.email, request.password)
        return auth_pb2.RegisterResponse(account=account_message(account), tokens=_token_set(tokens))

    async def Login(self, request: auth_pb2.LoginRequest, context: Context) -> auth_pb2.LoginResponse:
        account, tokens = await self.log_in(request.email, request.password)
        return auth_pb2.LoginResponse(account=account_message(account), tokens=_token_set(tokens))

    async def Refresh(self, request: auth_pb2.RefreshRequest, context: Context) -> auth_pb2.RefreshResponse:
        return auth_pb2.RefreshResponse(tokens=_token_set(await self.refresh(request.refresh_token)))

    async def Logout(self, request: auth_pb2.LogoutRequest, context: Context) -> Empty:
        await self.log_out(request.refresh_token)
        return Empty()

    async def GetJwks(self, request: auth_pb2.GetJwksRequest, context: Context) -> auth_pb2.GetJwksResponse:
        return auth_pb2.GetJwksResponse(keys=[key_message(key) for key in self.keys.published()])

    async def ListRevokedSessions(
        self, request: auth_pb2.ListRevokedSessionsRequest, context: Context
    ) -> auth_pb2.ListRevokedSessionsResponse:
        return revoked_sessions_message(await self.list_revoked(*revoked_sessions_of(request)))


def auth_service(servicer: AuthServicer) -> Service:
    """The servicer with its access rules."""
    return Service(DESCRIPTOR, auth_pb2_grpc.add_AuthServiceServicer_to_server, servicer, ACCESS)


def _token_set(tokens: Tokens) -> auth_pb2.TokenSet:
    message = auth_pb2.TokenSet(access_token=tokens.access, refresh_token=tokens.refresh)
    message.expires_in.FromTimedelta(tokens.expires_in)
    return message
