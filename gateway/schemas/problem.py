"""Problem documents (RFC 9457), for the documentation."""

from typing import Annotated

from pydantic import Field

from gateway.problems import MAX_ERRORS
from gateway.schemas.base import Answer


class Problem(Answer):
    """Why a request failed."""

    type: Annotated[str, Field(description="names the kind of problem; made of the code")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    instance: Annotated[str, Field(description="the path of the request")]
    code: Annotated[str, Field(description="for programs: one word for the kind of problem")]
    trace_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="name it when you report a fault")]


class FieldError(Answer):
    """A broken rule."""

    field: Annotated[str, Field(description="a field of the body, a parameter of the query, or a header")]
    message: Annotated[str, Field(description="what it must be")]


class InvalidProblem(Problem):
    """Every field that breaks a rule, at once."""

    errors: Annotated[
        list[FieldError],
        Field(max_length=MAX_ERRORS, description=f"the first {MAX_ERRORS}; the detail counts them all"),
    ]
