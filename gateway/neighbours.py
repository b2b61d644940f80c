"""The services behind the gateway: a channel and a stub for each. Only reads are tried again."""

from dataclasses import dataclass

from primetrade.auth.v1 import auth_pb2_grpc
from primetrade.notify.v1 import notify_pb2, notify_pb2_grpc
from primetrade.tasks.v1 import tasks_pb2, tasks_pb2_grpc
from primetrade.users.v1 import users_pb2, users_pb2_grpc
from starlette.requests import Request

from chassis.rpc.client import ServiceChannel
from chassis.rpc.guard import Guard
from chassis.rpc.keys import auth_channel
from gateway.settings import Settings

_USERS = users_pb2.DESCRIPTOR.services_by_name["UsersService"].full_name
_TASKS = tasks_pb2.DESCRIPTOR.services_by_name["TasksService"].full_name
_NOTIFICATIONS = notify_pb2.DESCRIPTOR.services_by_name["NotificationsService"].full_name


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels, each a component of the process, and each with a guard of its own: a service that is down takes
    only its own routes down. `own` is auth again, past the guard: for what the gateway itself has to know."""

    auth: ServiceChannel
    users: ServiceChannel
    tasks: ServiceChannel
    notify: ServiceChannel
    own: ServiceChannel

    @classmethod
    def of(cls, settings: Settings) -> "Channels":
        """The channels to where the settings say the services are."""
        seconds = min(settings.upstream_timeout, settings.request_timeout)

        def guard(name: str) -> Guard:
            return Guard(name, settings.upstream_max_in_flight, settings.upstream_failures)

        def channel(name: str, target: str, service: str, *idempotent: str) -> ServiceChannel:
            return ServiceChannel(target, service, seconds, idempotent, guard(name))

        return cls(
            auth=auth_channel(settings.auth_target, seconds, guard("auth")),
            users=channel("users", settings.users_target, _USERS, "GetProfile"),
            tasks=channel("tasks", settings.tasks_target, _TASKS, "GetTask", "ListTasks"),
            notify=channel("notify", settings.notify_target, _NOTIFICATIONS, "ListNotifications"),
            own=auth_channel(settings.auth_target, seconds),
        )

    def by_name(self) -> dict[str, ServiceChannel]:
        """The channels under the names of their services."""
        return {"auth": self.auth, "users": self.users, "tasks": self.tasks, "notify": self.notify}


class Neighbours:
    """The stubs that routes call. Each call raises the errors of chassis/errors.py."""

    def __init__(self, channels: Channels) -> None:
        self.auth = auth_pb2_grpc.AuthServiceStub(channels.auth)
        self.users = users_pb2_grpc.UsersServiceStub(channels.users)
        self.tasks = tasks_pb2_grpc.TasksServiceStub(channels.tasks)
        self.notifications = notify_pb2_grpc.NotificationsServiceStub(channels.notify)


def neighbours(request: Request) -> Neighbours:
    """The neighbours of the application that serves the request."""
    found: Neighbours = request.app.state.neighbours
    return found
