"""What both sides are asked, what they have, and what becomes of an answer that is not as it must be."""

from collections.abc import Iterator
from itertools import chain
from random import Random

import pytest

from benchmarks.monolith.operations import CONSUMED, OPERATIONS, SHARES, Known, Person, Population, consumed
from benchmarks.monolith.people import drafts, peer_document, suite_document
from benchmarks.monolith.vegeta import Answer, Failed, Load, require_success, told


def population() -> Population:
    people = [Person(f"{name}@example.com", name, [f"{name}-{number}" for number in range(24)]) for name in "abc"]
    known = [Known("/api/v1/tasks/a-0", "a", '"1"')]
    return Population(people, known, known, consumed(people, 7))


def asked(name: str, count: int, seed: int = 7) -> Iterator[tuple[str, str, str, bytes]]:
    those, chance = population(), Random(seed)
    for _ in range(count):
        request = OPERATIONS[name].make(those, chance)
        yield request.method, request.path, request.token, request.body


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_seed_asks_both_sides_the_same(name: str) -> None:
    assert list(asked(name, 12)) == list(asked(name, 12))


@pytest.mark.parametrize("name", ["me", "get", "list", "create", "update", "login"])
def test_another_seed_asks_by_and_for_others(name: str) -> None:
    assert list(asked(name, 40)) != list(asked(name, 40, seed=8))


@pytest.mark.parametrize("name", CONSUMED)
def test_what_can_be_done_once_is_done_once(name: str) -> None:
    there = 3 * 24 // SHARES
    paths = [path for _, path, _, _ in asked(name, there)]
    assert len(set(paths)) == there


def test_no_operation_takes_what_another_relies_upon() -> None:
    def numbers(name: str) -> set[int]:
        paths = [path.removesuffix("/complete") for _, path, _, _ in asked(name, 18)]
        return {int(path.rpartition("-")[2]) % SHARES for path in paths}

    kept = {name: numbers(name) for name in ("get-304", "update", "complete", "delete")}
    assert sorted(chain.from_iterable(kept.values())) == [0, 1, 2, 3]
    assert numbers("get") == {0, 1}


def test_the_mix_is_two_gets_two_lists_and_a_create() -> None:
    methods = [method if "?" not in path else "list" for method, path, _, _ in asked("mix", 2_000)]
    shares = [methods.count(kind) / 2_000 for kind in ("GET", "list", "POST")]
    assert shares == pytest.approx([0.4, 0.4, 0.2], abs=0.05)


def test_a_task_is_the_same_on_both_sides() -> None:
    owner = "3f2c1e9a-6a0e-4a53-9d0d-0f6d8f3a2b11"
    for draft, at in drafts(48, 7):
        ours, theirs = suite_document(owner, draft, at), peer_document("6b0931fd82f876e4447a8621", draft, at)
        assert [ours[name] for name in ("title", "description", "status", "create_time")] == [
            theirs[name] for name in ("title", "description", "status", "createdAt")
        ]
        assert (ours.get("complete_time") is None) == (theirs["completedAt"] is None)


def test_what_is_to_be_completed_or_deleted_is_pending_and_the_oldest_comes_first() -> None:
    made = list(drafts(48, 7))
    assert {draft.status for number, (draft, _) in enumerate(made) if number % SHARES > 1} == {"pending"}
    assert len({draft.status for draft, _ in made}) == 3
    assert [at for _, at in made] == sorted(at for _, at in made)


URL = "http://127.0.0.1:8080"


def got(*statuses: int) -> str:
    """What is said when these are the answers to as many gets, and one more get has none."""
    requests = [OPERATIONS["get"].make(population(), Random(number)) for number in range(3)]
    answers = [
        Answer(request.method, URL + request.path, status, 0, 0.5, "connection refused")
        for request, status in zip(requests, statuses, strict=False)
    ]
    try:
        require_success(URL, requests, answers)
    except Failed as error:
        return str(error)
    return ""


def test_answers_are_read_and_the_end_of_the_file_is_none() -> None:
    table = (
        "1795764776119569540,200,4314633,7,0,,,,0,GET,http://x/0,\n"
        "1795764776328944315,0,6289,0,0,no targets to attack,,,1,,,\n"
        "1795764776119669540,0,1000000,0,0,connection refused,,,2,POST,http://x/1,\n"
    )
    first, second = told(table)
    assert (first.status, first.method, first.url, round(first.seconds, 6)) == (200, "GET", "http://x/0", 0.004315)
    assert (second.status, second.method, second.error) == (0, "POST", "connection refused")


def test_when_all_is_answered_as_it_must_be_nothing_is_said() -> None:
    assert got(200, 200, 200) == ""


@pytest.mark.parametrize("status", [304, 404, 429, 500, 503])
def test_another_status_fails_the_run(status: int) -> None:
    said = got(200, status, 200)
    assert said.startswith("1 of 3 requests failed: GET api/v1/tasks/")
    assert said.endswith(f"answered {status} instead of 200 (1×)")


def test_a_request_without_an_answer_fails_the_run() -> None:
    assert got(200, 200).endswith("not answered (1×)")
    assert got(200, 200, 0).endswith("connection refused instead of 200 (1×)")


def test_it_lasts_from_the_first_request_to_the_last_answer() -> None:
    times = ((10, 2), (11, 0.5), (9.5, 0.1))
    assert Load([Answer("GET", URL, 200, asked, took) for asked, took in times], 0).seconds == 2.5
