"""The neighbour users, asked for one thing: the profile of a new account."""

import structlog
from primetrade.users.v1 import users_pb2, users_pb2_grpc

from chassis.errors import Error
from chassis.rpc.client import RpcFailed, ServiceChannel, bearer
from services.auth.crypto.access_tokens import ServiceToken
from services.auth.domain.account import Account

SERVICE = users_pb2.DESCRIPTOR.services_by_name["UsersService"].full_name

log = structlog.get_logger(__name__)


class Profiles:
    """Asks once, for as long as the channel's timeout: a person who has registered can read their profile at once."""

    def __init__(self, channel: ServiceChannel, token: ServiceToken) -> None:
        self._stub = users_pb2_grpc.UsersServiceStub(channel)
        self._token = token

    async def create(self, account: Account) -> None:
        """Create the account's profile, or leave it to the event AccountRegistered. Raises nothing."""
        profile = users_pb2.Profile(
            id=str(account.id), name=account.name, email=account.email, roles=list(account.roles)
        )
        profile.create_time.FromDatetime(account.created_at)
        try:
            await self._stub.CreateProfile(
                users_pb2.CreateProfileRequest(profile=profile), metadata=bearer(self._token.text())
            )
        except (Error, RpcFailed) as error:
            log.info("profile_left_to_event", account=str(account.id), error=str(error))
