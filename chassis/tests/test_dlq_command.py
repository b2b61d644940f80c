"""`python -m chassis.events dlq` as an operator meets it: a process, its words, its status."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from primetrade.events.v1 import dead_letters_pb2 as pb

from chassis.events.__main__ import command_line
from chassis.events.deadletters import printing
from chassis.testing.engines import Engines
from chassis.testing.ports import free_port
from chassis.tests.kafka import CREATED, TRACEPARENT, settings_for, task_event
from chassis.tests.post import SERVICE, Post, opened

NOWHERE = f"127.0.0.1:{free_port()}"
LETTER = "primetrade.tasks.v1.users.dlq:0:0"


@pytest.fixture(scope="module")
async def post(engines: Engines) -> AsyncIterator[Post]:
    async with opened(engines, consuming=False) as made:
        yield made


@dataclass(frozen=True)
class Answer:
    """What the command printed, and its status."""

    out: str
    err: str
    status: int


class Operator:
    """Runs the command against the post, in this process: starting one costs a second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._environment, self._printed = monkeypatch, capsys

    async def __call__(self, post: Post, *words: str, **settings: str) -> Answer:
        for name, value in (environment_of(post) | settings).items():
            self._environment.setenv(name, value)
        self._printed.readouterr()
        try:
            arguments = command_line().parse_args(["dlq", *words])
            status = await arguments.run(arguments)
        except SystemExit as end:
            status = end.code
        # Logs of the post, which runs in this process too, are not the command's.
        out, err = self._printed.readouterr()
        own = [line for line in out.splitlines(keepends=True) if not line.startswith("level=")]
        return Answer("".join(own), err, status)


def environment_of(post: Post) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": post.settings.kafka_bootstrap_servers,
        "KAFKA_PREFIX": post.settings.kafka_prefix,
        "USERS_TARGET": post.target,
        "AUTH_TARGET": NOWHERE,
        "NOTIFY_TARGET": NOWHERE,
        "TOKEN": post.token,
    }


@pytest.fixture
def dlq(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(monkeypatch, capsys)


STORY = (
    ("dlq_reason", b"error: ValueError: this\nmakes \x1b[31m no sense"), ("dlq_topic", b"primetrade.tasks.v1"),
    ("dlq_partition", b"3"), ("dlq_offset", b"1234"), ("dlq_attempts", b"8"), ("dlq_group", b"primetrade.users"),
)  # fmt: skip


async def test_a_list_says_what_is_where_and_why_and_what_was_done(post: Post, dlq: Operator) -> None:
    (id,) = await post.write(task_event("listed", 4), headers=STORY)
    answer = await dlq(post, "list", "--topic", post.topic)

    assert answer.status == 0, answer.err
    lines = answer.out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{id} "))
    place, time, state = lines[first].split("  ")
    assert (place, time[-1], state) == (id, "Z", "outstanding")
    assert lines[first + 1].strip() == (
        f"{CREATED} listed #4  from primetrade.tasks.v1[3]@1234, put aside by primetrade.users after 8 attempts"
    )
    assert lines[first + 2].strip() == "error: ValueError: this\ufffdmakes \ufffd[31m no sense"
    assert answer.err.strip().endswith("dead letters") or answer.err == "1 dead letter\n"

    await post.redrive(id)
    (line,) = [line for line in (await dlq(post, "list", "--service", SERVICE)).out.splitlines() if id in line]
    assert "  handled at " in line
    assert line.endswith(" by operator:ada")
    assert id not in (await dlq(post, "list", "--service", SERVICE, "--outstanding")).out


async def test_it_is_a_program(post: Post) -> None:
    (id,) = await post.write(task_event("by-program"))
    paths = os.pathsep.join(path for path in sys.path if path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chassis.events", "dlq", "redrive", id,
        env={**os.environ, **environment_of(post), "PYTHONPATH": paths},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (out.decode(), err, process.returncode) == (f"{id}  handled\n", b"", 0)


async def test_a_list_for_scripts_is_a_json_object_a_line(post: Post, dlq: Operator) -> None:
    (id,) = await post.write(task_event("scripted", 2), headers=STORY)
    answer = await dlq(post, "list", "--service", SERVICE, "--json")
    letters = {letter["id"]: letter for letter in map(json.loads, answer.out.splitlines())}
    assert letters[id]["eventType"] == CREATED
    assert (letters[id]["offset"], letters[id]["attempts"]) == ("1234", 8)


async def test_one_is_shown_as_json(post: Post, dlq: Operator) -> None:
    (id,) = await post.write(task_event("shown"), headers=STORY)
    for broker in ([], ["--broker"]):
        answer = await dlq(post, "show", id, *broker)
        assert answer.status == 0, answer.err
        shown = json.loads(answer.out)
        assert shown["data"] == {"task": {"id": "shown", "title": "Task 1"}}
        assert {"name": "traceparent", "value": TRACEPARENT} in shown["headers"]
        assert ParseDict(shown, pb.DeadLetter()).attempts == 8


async def test_one_some_and_all_are_redriven_and_each_tells_its_outcome(post: Post, dlq: Operator) -> None:
    async def refuse(_: object) -> None:
        raise ValueError("never")

    ids = await post.write(*(task_event(f"redriven-{number}", 3) for number in range(4)))
    post.projection.behaviour["redriven-1"] = refuse
    post.projection.applied["redriven-2"] = 5

    one = await dlq(post, "redrive", ids[0])
    assert (one.status, one.out) == (0, f"{ids[0]}  handled\n")
    some = await dlq(post, "redrive", ids[1], ids[2])
    assert some.out == f"{ids[1]}  failed: error: ValueError: never\n{ids[2]}  superseded\n"
    assert some.status == 1

    del post.projection.behaviour["redriven-1"]
    rest = await dlq(post, "redrive", "--all", "--topic", post.topic)
    assert {f"{ids[1]}  handled", f"{ids[3]}  handled"} <= set(rest.out.splitlines())
    assert rest.status == 0, rest.out
    assert not {ids[0], ids[2]} & set(rest.out.replace("\n", " ").split())
    again = await dlq(post, "redrive", "--all", "--service", SERVICE)
    assert (again.out, again.status) == ("", 0)


async def test_a_topic_is_purged_only_with_force(engines: Engines, dlq: Operator) -> None:
    async with opened(engines, consuming=False) as post:
        await post.write(*(task_event(f"purged-{number}") for number in range(3)))
        counted = await dlq(post, "purge", post.topic, "--before", "2")
        assert counted.out == "2 dead letters would be deleted: add --force\n"
        done = await dlq(post, "purge", post.topic, "--before", "2", "--force")
        assert done.out.startswith(
            ("2 dead letters deleted; the first that is kept has the offset 2", "2 dead letters h")
        )
        done = await dlq(post, "purge", post.topic, "--all", "--force")
        assert done.out.startswith("1 dead letter ")
        assert (await dlq(post, "list", "--service", SERVICE)).err == "0 dead letters\n"


async def test_a_service_that_is_away_keeps_nobody_from_seeing_the_others(post: Post, dlq: Operator) -> None:
    (id,) = await post.write(task_event("seen"))
    answer = await dlq(post, "list")
    assert id in answer.out
    assert answer.status == 1
    assert [line.split(":")[0] for line in answer.err.splitlines()][:2] == ["auth", "notify"]


async def test_with_every_service_down_the_broker_tells_alone(post: Post, dlq: Operator) -> None:
    (id,) = await post.write(task_event("unserved"), headers=STORY)
    for scope in ([], ["--service", "users"], ["--topic", post.topic]):
        answer = await dlq(post, "list", "--broker", *scope, USERS_TARGET=NOWHERE, TOKEN="")
        assert answer.status == 0, answer.err
        assert id in answer.out
    assert (await dlq(post, "list", "--broker", "--service", "auth")).out == ""


async def test_a_token_can_come_from_a_file(post: Post, dlq: Operator, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(post.token + "\n")
    answer = await dlq(post, "list", "--service", SERVICE, TOKEN="", TOKEN_FILE=str(tmp_path / "token"))
    assert answer.status == 0, answer.err


async def test_whoever_is_no_operator_is_told_so(post: Post, dlq: Operator) -> None:
    answer = await dlq(post, "list", "--service", SERVICE, TOKEN=post.issuer.token("eve"))
    assert (answer.status, answer.out) == (1, "")
    assert "users: this needs the role operator" in answer.err
    answer = await dlq(post, "redrive", f"{post.topic}:0:0", TOKEN="nonsense")
    assert (answer.status, answer.out) == (1, "")
    assert "the access token is not valid" in answer.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "required: word"),
        (("burn",), "invalid choice: 'burn'"),
        (("list", "--service", "tasks"), "invalid choice: 'tasks'"),
        (("list", "--topic", "primetrade.tasks.v1"), "must be <topic>.<service>.dlq"),
        (("list", "--service", "auth", "--topic", "a.auth.dlq"), "not allowed with"),
        (("show",), "required: ID"),
        (("show", "17"), "must be <topic>.dlq:<partition>:<offset>"),
        (("show", LETTER + "1" * 30), "must be <topic>.dlq:<partition>:<offset>"),
        (("show", "--broker", LETTER, LETTER), "unrecognized arguments"),
        (("redrive",), "one of the arguments ID --all is required"),
        (("redrive", "--all", LETTER), "not allowed with argument --all"),
        (("redrive", "all"), "must be <topic>.dlq:<partition>:<offset>"),
        (("redrive", LETTER, "--service", "users"), "--service and --topic go with --all"),
        (("redrive", LETTER, "--broker"), "unrecognized arguments: --broker"),
        (("purge", "a.users.dlq"), "one of the arguments --before --all is required"),
        (("purge", "--all"), "required: TOPIC"),
        (("purge", "primetrade.tasks.v1", "--all"), "must be <topic>.<service>.dlq"),
        (("purge", "a.users.dlq", "--before", "-1"), "must be an offset, 0 or more"),
        (("purge", "a.users.dlq", "--before", "9" * 19), "must be an offset, 0 or more"),
        (("purge", "a.users.dlq", "--before", "1", "--all"), "not allowed with"),
    ],
)
async def test_a_wrong_command_line_is_explained(
    post: Post, dlq: Operator, words: tuple[str, ...], complaint: str
) -> None:
    answer = await dlq(post, *words)
    assert (answer.status, answer.out) == (2, "")
    assert complaint in answer.err


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"TOKEN": ""}, "setting TOKEN: must be a token with the role operator"),
        ({"TOKEN": "", "TOKEN_FILE": "/nowhere/token"}, "setting TOKEN_FILE: No such file or directory"),
        ({"USERS_TARGET": "users"}, "setting USERS_TARGET: must be host:port"),
    ],
)
async def test_a_wrong_setting_is_named(post: Post, dlq: Operator, settings: dict[str, str], complaint: str) -> None:
    answer = await dlq(post, "list", **settings)
    assert (answer.status, answer.out) == (2, "")
    assert complaint in answer.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("show", "other.tasks.v1.users.dlq:0:0"), "'other.tasks.v1.users.dlq:0:0' not found"),
        (("show", "--broker", "other.tasks.v1.users.dlq:0:0"), "'other.tasks.v1.users.dlq:0:0' not found"),
        (("redrive", "a.v1.nobody.dlq:0:0"), "service 'nobody' not found"),
        (("purge", "other.tasks.v1.users.dlq", "--all", "--force"), "'other.tasks.v1.users.dlq' not found"),
        (("list", "--topic", "a.nobody.dlq"), "service 'nobody' not found"),
    ],
)
async def test_what_is_not_there_is_said_so(post: Post, dlq: Operator, words: tuple[str, ...], complaint: str) -> None:
    answer = await dlq(post, *words)
    assert (answer.status, answer.out) == (1, "")
    assert complaint in answer.err


async def test_without_a_broker_it_says_so(post: Post, dlq: Operator, engines: Engines) -> None:
    nowhere = settings_for(engines).kafka_bootstrap_servers.rpartition(":")[0] + f":{free_port()}"
    answer = await dlq(post, "list", "--broker", "--service", "users", KAFKA_BOOTSTRAP_SERVERS=nowhere)
    assert (answer.status, answer.out) == (1, "")
    assert "users: Kafka did not answer" in answer.err


def test_a_letter_that_nobody_can_redrive_says_so_in_words() -> None:
    letter = pb.DeadLetter(id=LETTER, reason="r", attempts=1, group="g", topic="t")
    letter.redrive.outcome, letter.redrive.reason = pb.REDRIVE_OUTCOME_FAILED, "error: again"
    letter.redrive.operator = "operator:ada"
    assert printing.entry(letter).splitlines() == [
        f"{LETTER}  1970-01-01T00:00:00.000Z  outstanding, failed again at 1970-01-01T00:00:00.000Z by operator:ada:"
        " error: again",
        "    no event  from t[0]@0, put aside by g after 1 attempt",
        "    r",
    ]
