"""A good request for each operation of the document, and the method of a service that answers it."""

from dataclasses import dataclass

from gateway.tests.upstream import NOTIFICATION_ID, TASK_ID


@dataclass(frozen=True)
class Sample:
    """A request that succeeds with `status`."""

    method: str
    path: str
    rpc: str
    status: int = 200
    body: dict[str, object] | None = None


_ADA = {"email": "ada@example.com", "password": "correct horse battery"}
_TASK = f"/api/v1/tasks/{TASK_ID}"

SAMPLES = {
    "register": Sample("POST", "/api/v1/auth/register", "Register", 201, {"name": "Ada", **_ADA}),
    "login": Sample("POST", "/api/v1/auth/login", "Login", 200, {**_ADA}),
    "refresh": Sample("POST", "/api/v1/auth/refresh", "Refresh", 200, {"refreshToken": "rrr"}),
    "logout": Sample("POST", "/api/v1/auth/logout", "Logout", 204, {"refreshToken": "rrr"}),
    "getMe": Sample("GET", "/api/v1/users/me", "GetProfile"),
    "updateMe": Sample("PATCH", "/api/v1/users/me", "UpdateProfile", 200, {"name": "Ada King"}),
    "createTask": Sample("POST", "/api/v1/tasks", "CreateTask", 201, {"title": "Write"}),
    "listTasks": Sample("GET", "/api/v1/tasks", "ListTasks"),
    "getTask": Sample("GET", _TASK, "GetTask"),
    "updateTask": Sample("PATCH", _TASK, "UpdateTask", 200, {"title": "Write more"}),
    "completeTask": Sample("POST", f"{_TASK}/complete", "CompleteTask"),
    "deleteTask": Sample("DELETE", _TASK, "DeleteTask", 204),
    "listNotifications": Sample("GET", "/api/v1/notifications", "ListNotifications"),
    "streamEvents": Sample("GET", "/api/v1/events", ""),
    "updateNotification": Sample(
        "PATCH", f"/api/v1/notifications/{NOTIFICATION_ID}", "UpdateNotification", 200, {"read": True}
    ),
}
PUBLIC = ("register", "login", "refresh", "logout")
