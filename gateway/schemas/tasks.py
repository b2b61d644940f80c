"""Tasks."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from gateway.schemas.base import Answer, Body
from gateway.schemas.values import NO_NUL, Date, Description, Limit, PageNumber, Title

Status = Literal["pending", "in-progress", "completed"]
Priority = Literal["low", "medium", "high"]
Sort = Literal[
    "createdAt", "-createdAt", "updatedAt", "-updatedAt", "dueDate", "-dueDate",
    "priority", "-priority", "title", "-title",
]  # fmt: skip
TaskField = Literal[
    "id", "title", "description", "status", "priority", "dueDate", "createdAt", "updatedAt", "completedAt"
]
_REACH = 10_000
"""How many tasks a page number may pass over."""

FIELDS: tuple[str, ...] = get_args(TaskField)

_TASK: JsonDict = {
    "id": "0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11",
    "title": "Write the annual report",
    "description": "Numbers first.\nThen the story.",
    "status": "pending",
    "priority": "high",
    "dueDate": "2030-02-15T17:00:00.000Z",
    "createdAt": "2030-01-31T17:00:00.000Z",
    "updatedAt": "2030-01-31T17:00:00.000Z",
    "completedAt": None,
}


def _one_of(words: Any) -> WithJsonSchema:
    """A parameter that may be absent, but never null."""
    return WithJsonSchema({"type": "string", "enum": list(get_args(words))})


def _field_list(value: Any) -> frozenset[str]:
    names = str(value).split(",")
    unknown = sorted({name for name in names if name not in FIELDS})
    if unknown:
        raise PydanticCustomError("fields", "must be a comma-separated list of {known}", {"known": ", ".join(FIELDS)})
    return frozenset(names)


class NewTask(Body):
    """A task to be created."""

    title: Title = Field(description="trimmed; something visible, no control characters")
    description: Description | None = Field(
        default=None, description="trimmed; tab and newline are the only control characters"
    )
    status: Status = "pending"
    priority: Priority = "medium"
    due_date: Date | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "Write the annual report", "priority": "high", "dueDate": "2030-02-15T18:00:00+01:00"},
                {"title": "Call the bank"},
            ]
        }
    )


class TaskPatch(Body):
    """A merge patch (RFC 7396): only the fields that are present change; null clears a description or a due date."""

    title: Title = Field(default_factory=str, description="trimmed; something visible, no control characters")
    description: Description | None = Field(
        default_factory=str, description="trimmed; tab and newline are the only control characters"
    )
    status: Status = Field(default_factory=lambda: "pending")
    priority: Priority = Field(default_factory=lambda: "medium")
    due_date: Date | None = Field(default_factory=lambda: None)

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "in-progress", "dueDate": None}]})


class TaskQuery(Body):
    """Which tasks, in which order, and what of them."""

    page: Annotated[PageNumber, Field(description="not together with pageToken")] = 1
    limit: Annotated[Limit, Field(description="how many to return")] = 20
    page_token: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2048,
            json_schema_extra=NO_NUL,
            description="nextPageToken of the page before; the rest as it was then",
        ),
    ] = Field(default_factory=str)
    sort: Annotated[Sort, Field(description="a minus turns the order round; no due date counts as the latest")] = (
        "-createdAt"
    )
    status: Annotated[Status | None, _one_of(Status), Field(description="only tasks in this status")] = None
    priority: Annotated[Priority | None, _one_of(Priority), Field(description="only tasks of this priority")] = None
    fields: Annotated[
        frozenset[str],
        BeforeValidator(_field_list),
        WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(FIELDS)})(,({'|'.join(FIELDS)}))*$"}),
        Field(description="comma-separated: only these fields of each task, and its id"),
    ] = Field(default_factory=frozenset)

    @model_validator(mode="after")
    def _one_way_of_paging(self) -> "TaskQuery":
        if self.page_token and "page" in self.model_fields_set:
            raise PydanticCustomError("paging", "must not be given together with pageToken", {"field": "page"})
        return self

    @model_validator(mode="after")
    def _within_reach(self) -> "TaskQuery":
        if (self.page - 1) * self.limit > _REACH:
            message = "must not lie beyond the first 10,000 tasks: read on by pageToken"
            raise PydanticCustomError("reach", message, {"field": "page"})
        return self


class Task(Answer):
    """What a person has to do."""

    id: UUID
    title: str
    description: str
    status: Status
    priority: Priority
    due_date: datetime | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = Field(description="set while the status is completed")

    model_config = ConfigDict(json_schema_extra={"examples": [_TASK]})


class ListedTask(Answer):
    """A task of a list: with `fields`, only those and the id."""

    id: UUID
    title: str = Field(default_factory=str)
    description: str = Field(default_factory=str)
    status: Status = Field(default_factory=lambda: "pending")
    priority: Priority = Field(default_factory=lambda: "medium")
    due_date: datetime | None = Field(default_factory=lambda: None)
    created_at: datetime = Field(default_factory=datetime.now)
    updated_at: datetime = Field(default_factory=datetime.now)
    completed_at: datetime | None = Field(default_factory=lambda: None)


class TaskList(Answer):
    """A page of tasks."""

    tasks: list[ListedTask]
    page: int | None = Field(description="the number of the page; null when it was asked for by pageToken")
    total_pages: int
    total: int = Field(description="how many tasks match, over all pages")
    next_page_token: str | None = Field(description="pageToken of the next page; null on the last")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"tasks": [_TASK], "page": 1, "totalPages": 1, "total": 1, "nextPageToken": None}]
        }
    )
