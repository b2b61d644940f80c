"""Every error is said in every language of the suite, and comes back from gRPC as what it was."""

import json

import grpc
import pytest
from google.rpc import status_pb2

from chassis import errors
from chassis.errors import (
    AlreadyExists,
    Conflict,
    DeadlineExceeded,
    Error,
    Exhausted,
    Forbidden,
    Gone,
    Invalid,
    KeyReused,
    NotFound,
    Unauthenticated,
    Unavailable,
    Unreadable,
    VersionMismatch,
    Violation,
)
from chassis.problem import TABLE, problem_of
from chassis.rpc.status import CODES, code_of, details_of, error_of, message_of

EXAMPLES: list[tuple[Error, str, int]] = [
    (Invalid([Violation("title", "is needed"), Violation("due_time", "is wrong")]), "INVALID_ARGUMENT", 422),
    (KeyReused(), "INVALID_ARGUMENT", 422),
    (Unreadable("not JSON"), "INVALID_ARGUMENT", 400),
    (Unauthenticated("no token"), "UNAUTHENTICATED", 401),
    (Forbidden("no role"), "PERMISSION_DENIED", 403),
    (NotFound("task", "1"), "NOT_FOUND", 404),
    (Gone("task", "1"), "NOT_FOUND", 410),
    (AlreadyExists("account", "a@example.com"), "ALREADY_EXISTS", 409),
    (Conflict("archived"), "FAILED_PRECONDITION", 409),
    (VersionMismatch("task", "1", "7"), "ABORTED", 412),
    (Exhausted("slow down", 90), "RESOURCE_EXHAUSTED", 429),
    (Unavailable("away", 2), "UNAVAILABLE", 503),
    (DeadlineExceeded("late"), "DEADLINE_EXCEEDED", 504),
]


def test_no_error_is_missing_from_a_table() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Error)} - {Error}
    assert set(CODES) == kinds
    assert set(TABLE) == kinds
    assert {type(error) for error, *_ in EXAMPLES} == kinds


@pytest.mark.parametrize(("error", "code", "status"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_each_error_has_its_code_and_its_status(error: Error, code: str, status: int) -> None:
    assert code_of(error).name == code
    problem = problem_of(error)
    body = problem.body("/api/v1/tasks", "0" * 32)
    assert (problem.row.status, body["status"]) == (status, status)
    assert {"type", "title", "status", "detail", "instance", "code", "traceId"} <= set(body)
    assert json.loads(json.dumps(body)) == body


@pytest.mark.parametrize("error", [error for error, *_ in EXAMPLES if not isinstance(error, Unreadable)], ids=repr)
def test_an_error_survives_the_wire(error: Error) -> None:
    back = error_of(code_of(error), str(error), details_of(error))
    assert type(back) is type(error)
    assert vars(back) == vars(error)
    assert str(back) == str(error)


def test_details_are_the_standard_ones() -> None:
    status = status_pb2.Status.FromString(details_of(EXAMPLES[0][0]))
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert [detail.type_url for detail in status.details] == [
        "type.googleapis.com/google.rpc.BadRequest",
        "type.googleapis.com/google.rpc.ErrorInfo",
    ]


def test_of_too_many_violations_the_first_are_told_and_the_others_counted() -> None:
    many = Invalid(Violation(f"field_{number}", "is wrong") for number in range(1_000))
    back = error_of(code_of(many), message_of(many), details_of(many))
    assert isinstance(back, Invalid)
    *told, rest = back.violations
    assert told == list(many.violations[: len(told)])
    assert len(told) > 20
    assert rest.message == f"one of {1_000 - len(told)} more that there is no room for"


@pytest.mark.parametrize(
    "error",
    [
        Invalid(Violation("漢" * 10_000, "漢" * 10_000) for _ in range(1_000)),
        Invalid([*(Violation("f" * 100, "m" * 150) for _ in range(9)), *(Violation("x" * 600, "y") for _ in range(9))]),
        NotFound("task" * 1_000, "x" * 10_000),
        VersionMismatch("task" * 1_000, "x" * 10_000, "7" * 10_000),
        Unavailable("a" * 511 + "漢"),
    ],
    ids=["many long violations", "a field at the brink", "a long name", "a long etag", "a cut character"],
)
def test_what_is_said_of_an_error_has_a_size(error: Error) -> None:
    assert 0 < len(message_of(error).encode()) <= 512
    assert len(details_of(error)) <= 4_096


@pytest.mark.parametrize("details", [None, b"", b"\xff\xff not a status"])
def test_a_status_without_readable_details_still_becomes_an_error(details: bytes | None) -> None:
    assert isinstance(error_of(grpc.StatusCode.NOT_FOUND, "gone", details), NotFound)
    assert isinstance(error_of(grpc.StatusCode.UNAVAILABLE, "away", details), Unavailable)


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS])
def test_a_neighbours_bug_is_no_error_of_the_caller(code: grpc.StatusCode) -> None:
    assert error_of(code, "boom", None) is None


def test_a_bug_leaks_nothing() -> None:
    problem = problem_of(RuntimeError("password=hunter2 at 10.0.0.7"))
    assert problem.row.status == 500
    assert "hunter2" not in json.dumps(problem.body("/", ""))


def test_headers_that_the_status_asks_for() -> None:
    assert problem_of(Unauthenticated("x")).headers["WWW-Authenticate"].startswith("Bearer")
    assert problem_of(Exhausted("x", 89.2)).headers["Retry-After"] == "90"
    assert problem_of(Unavailable("x", 0.01)).headers["Retry-After"] == "1"


def test_fields_are_named_as_the_http_client_knows_them() -> None:
    problem = problem_of(EXAMPLES[0][0], {"title": "title", "due_time": "dueDate"}.__getitem__)
    assert [item["field"] for item in problem.facts["errors"]] == ["title", "dueDate"]
