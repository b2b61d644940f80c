"""The inbox of a person."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from gateway.schemas.base import Answer, Body
from gateway.schemas.values import NO_NUL, Limit

_NOTIFICATION: JsonDict = {
    "id": "7b0d2c1e-1c55-5d0a-8f0e-2f6d8f3a2b11",
    "type": "task-completed",
    "title": "Task completed",
    "body": "You completed “Write the annual report”.",
    "read": False,
    "createdAt": "2030-01-31T17:00:00.000Z",
    "readAt": None,
    "taskId": "0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11",
}


class NotificationQuery(Body):
    """Which part of the inbox."""

    limit: Annotated[Limit, Field(description="how many to return")] = 20
    page_token: Annotated[
        str,
        Field(min_length=1, max_length=2048, json_schema_extra=NO_NUL, description="nextPageToken of the page before"),
    ] = Field(default_factory=str)


class NotificationPatch(Body):
    """A merge patch (RFC 7396) of the only field that a person can change."""

    read: bool

    model_config = ConfigDict(json_schema_extra={"examples": [{"read": True}]})


class Notification(Answer):
    """An entry of the inbox."""

    id: UUID
    type: Literal["welcome", "task-completed", "task-due-soon"]
    title: str
    body: str
    read: bool
    created_at: datetime
    read_at: datetime | None = Field(description="when it was read; null while it is unread")
    task_id: UUID | None = Field(description="the task it is about, if any")

    model_config = ConfigDict(json_schema_extra={"examples": [_NOTIFICATION]})


class Inbox(Answer):
    """A page of the inbox, latest first."""

    notifications: list[Notification]
    unread: int = Field(description="how many are unread, over all pages")
    next_page_token: str | None = Field(description="pageToken of the next page; null on the last")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"notifications": [_NOTIFICATION], "unread": 1, "nextPageToken": None}]}
    )
