"""The services as a gateway sees them: one real gRPC server with all four contracts, answering as a test says."""

import asyncio
import base64
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from primetrade.auth.v1 import auth_pb2, auth_pb2_grpc
from primetrade.notify.v1 import notify_pb2, notify_pb2_grpc
from primetrade.tasks.v1 import tasks_pb2, tasks_pb2_grpc
from primetrade.users.v1 import users_pb2, users_pb2_grpc

from chassis.clock import SystemClock
from chassis.rpc.concerns import Access
from chassis.rpc.health import RpcHealth
from chassis.rpc.server import RpcServer, Service
from chassis.settings import ServiceSettings
from chassis.testing.issuer import Issuer
from chassis.tokens import ALGORITHM, RemoteKeys, TokenVerifier

PERSON_ID = "3f2c1e9a-6a0e-4a53-9d0d-0f6d8f3a2b11"
TASK_ID = "0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11"
ENDED_SESSION = "0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b12"
NOTIFICATION_ID = "7b0d2c1e-1c55-5d0a-8f0e-2f6d8f3a2b11"
AT = Timestamp(seconds=1_896_109_200, nanos=123_456_789)
AT_TEXT = "2030-01-31T17:00:00.123Z"

TASK = tasks_pb2.Task(
    id=TASK_ID,
    owner_id=PERSON_ID,
    title="Write the annual report",
    description="Numbers first.",
    status=tasks_pb2.TASK_STATUS_IN_PROGRESS,
    priority=tasks_pb2.TASK_PRIORITY_HIGH,
    due_time=AT,
    create_time=AT,
    update_time=AT,
    etag="3",
)
PROFILE = users_pb2.Profile(
    id=PERSON_ID, name="Ada", email="ada@example.com", roles=["user"], create_time=AT, update_time=AT, etag="7"
)
NOTIFICATION = notify_pb2.Notification(
    id=NOTIFICATION_ID,
    owner_id=PERSON_ID,
    type=notify_pb2.NOTIFICATION_TYPE_TASK_COMPLETED,
    title="Task completed",
    body="You completed it.",
    create_time=AT,
    task_id=TASK_ID,
    etag="1",
)
_ACCOUNT = auth_pb2.Account(id=PERSON_ID, name="Ada", email="ada@example.com", roles=["user"], create_time=AT)
_TOKENS = auth_pb2.TokenSet(access_token="aaa.bbb.ccc", refresh_token="rrr", expires_in=Duration(seconds=900))
LOGGED_IN = auth_pb2.LoginResponse(account=_ACCOUNT, tokens=_TOKENS)

Answer = Message | Exception | Callable[[Any], Awaitable[Message]]
_USUAL: dict[str, Answer] = {
    "Register": auth_pb2.RegisterResponse(account=_ACCOUNT, tokens=_TOKENS),
    "Login": LOGGED_IN,
    "Refresh": auth_pb2.RefreshResponse(tokens=_TOKENS),
    "Logout": Empty(),
    "ListRevokedSessions": auth_pb2.ListRevokedSessionsResponse(
        revoked_sessions=[auth_pb2.RevokedSession(session_id=ENDED_SESSION, revoke_time=AT)],
        retention=Duration(seconds=960),
    ),
    "CreateProfile": PROFILE,
    "GetProfile": PROFILE,
    "UpdateProfile": PROFILE,
    "CreateTask": TASK,
    "GetTask": TASK,
    "ListTasks": tasks_pb2.ListTasksResponse(tasks=[TASK], total_size=41, next_page_token="next"),
    "UpdateTask": TASK,
    "CompleteTask": TASK,
    "DeleteTask": Empty(),
    "ListNotifications": notify_pb2.ListNotificationsResponse(notifications=[NOTIFICATION], unread_size=5),
    "UpdateNotification": NOTIFICATION,
}
_UNASKED = frozenset({"GetJwks", "ListRevokedSessions"})
"""What a gateway asks whether or not it has a request."""
_CONTRACTS: list[tuple[ServiceDescriptor, Callable[[Any, Any], None]]] = [
    (auth_pb2.DESCRIPTOR.services_by_name["AuthService"], auth_pb2_grpc.add_AuthServiceServicer_to_server),
    (users_pb2.DESCRIPTOR.services_by_name["UsersService"], users_pb2_grpc.add_UsersServiceServicer_to_server),
    (tasks_pb2.DESCRIPTOR.services_by_name["TasksService"], tasks_pb2_grpc.add_TasksServiceServicer_to_server),
    (
        notify_pb2.DESCRIPTOR.services_by_name["NotificationsService"],
        notify_pb2_grpc.add_NotificationsServiceServicer_to_server,
    ),
]


@dataclass(frozen=True)
class Received:
    """A call as it arrived."""

    request: Any
    metadata: dict[str, Any]
    seconds_left: float


class Upstream:
    """Async context manager: the services at `target`. `answer` says what a method does until `as_usual`."""

    def __init__(self, issuer: Issuer, port: int = 0) -> None:
        self._usual = {**_USUAL, "GetJwks": _jwks(issuer)}
        self._answers = dict(self._usual)
        self.received: defaultdict[str, list[Received]] = defaultdict(list)
        self.health = RpcHealth([descriptor.full_name for descriptor, _ in _CONTRACTS])
        services = [
            Service(descriptor, add, self, dict.fromkeys((m.name for m in descriptor.methods), Access.PUBLIC))
            for descriptor, add in _CONTRACTS
        ]
        self._server = RpcServer(ServiceSettings(grpc_port=port), services, _no_verifier(), self.health)

    async def __aenter__(self) -> "Upstream":
        await self._server.__aenter__()
        await self.health.serving()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.__aexit__()

    @property
    def target(self) -> str:
        """Where all four services listen."""
        return f"127.0.0.1:{self._server.port}"

    def answer(self, method: str, answer: Answer) -> None:
        """From now on the method returns the message, raises the error, or awaits the function."""
        self._answers[method] = answer

    def as_usual(self) -> None:
        """Every method answers well again, and nothing has been received."""
        self._answers = dict(self._usual)
        self.received.clear()

    def last(self, method: str) -> Received:
        """The last call of the method."""
        return self.received[method][-1]

    def __getattr__(self, name: str) -> Callable[[Any, Any], Awaitable[Any]]:
        if name not in {"GetJwks", *_USUAL}:
            raise AttributeError(name)

        async def handle(request: Any, context: Any) -> Any:
            if name not in _UNASKED:
                self.received[name].append(
                    Received(request, dict(context.invocation_metadata()), context.time_remaining() or float("inf"))
                )
            answer = self._answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer, Message) else await answer(request)

        return handle


class Held:
    """An answer that waits until it is let go."""

    def __init__(self, answer: Message | Exception) -> None:
        self._answer = answer
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        self.cancelled, self.given = asyncio.Event(), asyncio.Event()

    async def __call__(self, _: Any) -> Message:
        self.asked.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        self.given.set()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def _jwks(issuer: Issuer) -> auth_pb2.GetJwksResponse:
    x = base64.urlsafe_b64encode(issuer.key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    key = auth_pb2.JsonWebKey(kty="OKP", crv="Ed25519", kid=issuer.kid, x=x, alg=ALGORITHM, use="sig")
    return auth_pb2.GetJwksResponse(keys=[key])


def _no_verifier() -> TokenVerifier:
    """The tests look at the tokens that arrive themselves: every method is public here."""

    async def none() -> dict[str, str]:
        return {}

    return TokenVerifier(RemoteKeys(none, None), "", "", SystemClock())
