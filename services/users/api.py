"""The gRPC servicer of primetrade.users.v1.UsersService: translates, and does nothing else."""
# ruff: noqa: N802, ARG002 - gRPC names its methods and gives each a context

from primetrade.users.v1 import users_pb2
from primetrade.users.v1.users_pb2_grpc import UsersServiceServicer

from chassis.clock import Clock
from chassis.identity import OPERATOR_ROLE, SERVICE_ROLE, current_principal
from chassis.rpc.concerns import Access, Context
from services.users.domain.reader import Reader
from services.users.mapping.messages import profile_message
from services.users.mapping.requests import name_of, new_profile_of, profile_id_of
from services.users.store.profiles import ProfileStore
from services.users.usecases.create_profile import create_profile
from services.users.usecases.get_profile import get_profile
from services.users.usecases.update_profile import update_profile

ACCESS = {
    "CreateProfile": Access.SERVICE,
    "GetProfile": Access.USER,
    "UpdateProfile": Access.USER,
}
_READ_ALL = frozenset({SERVICE_ROLE, OPERATOR_ROLE})


class UsersApi(UsersServiceServicer):
    """Each method acts for the caller."""

    def __init__(self, store: ProfileStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def CreateProfile(self, request: users_pb2.CreateProfileRequest, context: Context) -> users_pb2.Profile:
        return profile_message(await create_profile(self._store, self._clock, new_profile_of(request.profile)))

    async def GetProfile(self, request: users_pb2.GetProfileRequest, context: Context) -> users_pb2.Profile:
        caller = _caller()
        return profile_message(await get_profile(self._store, caller, profile_id_of(request.id, caller.subject)))

    async def UpdateProfile(self, request: users_pb2.UpdateProfileRequest, context: Context) -> users_pb2.Profile:
        caller = _caller()
        profile_id, name = profile_id_of(request.profile.id, caller.subject), name_of(request)
        profile = await update_profile(self._store, self._clock, caller, profile_id, name, etag=request.profile.etag)
        return profile_message(profile)


def _caller() -> Reader:
    principal = current_principal()
    return Reader(principal.subject, reads_all=not _READ_ALL.isdisjoint(principal.roles))
