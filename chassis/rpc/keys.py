"""Auth's public keys by gRPC."""

from collections.abc import Awaitable, Callable, Mapping

from primetrade.auth.v1 import auth_pb2, auth_pb2_grpc

from chassis.errors import Unavailable
from chassis.rpc.client import RpcFailed, ServiceChannel
from chassis.rpc.guard import Guard
from chassis.tokens import ALGORITHM, RemoteKeys

AUTH_SERVICE = auth_pb2.DESCRIPTOR.services_by_name["AuthService"].full_name
FETCH_SECONDS = 5.0


def auth_channel(target: str, timeout: float = FETCH_SECONDS, guard: Guard | None = None) -> ServiceChannel:
    """A channel to auth; only what changes nothing there may be asked for again when it is away."""
    return ServiceChannel(target, AUTH_SERVICE, timeout, {"GetJwks", "ListRevokedSessions"}, guard)


def auth_keys(channel: ServiceChannel, patience: float | None) -> RemoteKeys:
    """The key set that verifies access tokens, fetched over the channel. `patience` as in RemoteKeys."""
    return RemoteKeys(_fetcher(channel), patience)


def _fetcher(channel: ServiceChannel) -> Callable[[], Awaitable[Mapping[str, str]]]:
    stub = auth_pb2_grpc.AuthServiceStub(channel)

    async def fetch() -> Mapping[str, str]:
        try:
            response = await stub.GetJwks(auth_pb2.GetJwksRequest(), metadata=())
        except RpcFailed as error:
            # A bug of auth must not end those who verify with the keys they have.
            raise Unavailable("auth did not give its keys") from error
        return {key.kid: key.x for key in response.keys if key.alg == ALGORITHM}

    return fetch
