"""A small history made by hand in which every promise is kept: what the checker's own tests damage."""

from dataclasses import replace

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from primetrade.auth.v1 import auth_pb2
from primetrade.auth.v1 import events_pb2 as auth
from primetrade.tasks.v1 import events_pb2 as tasks
from primetrade.tasks.v1 import tasks_pb2
from primetrade.users.v1 import events_pb2 as users
from primetrade.users.v1 import users_pb2

from tests.chaos.history import Attempt, Outcome, Verb
from tests.chaos.observed import GROUPS_HEADER, POISON_HEADER, Mail, Observed, Record, Stored

ADA, TASK, GONE = "ada", "task-1", "task-2"
TASKS, DEAD = "primetrade.tasks.v1", "primetrade.tasks.v1.notify.dlq"


def record(topic: str, offset: int, subject: str, sequence: int, message: Message) -> Record:
    name = str(message.DESCRIPTOR.full_name)
    headers = {
        "content-type": "application/protobuf",
        "ce_specversion": "1.0",
        "ce_id": f"{subject}-{sequence}",
        "ce_type": name,
        "ce_subject": subject,
        "ce_partitionkey": subject,
        "ce_sequence": f"{sequence:010}",
    }
    return Record(topic, 0, offset, subject, headers, message.SerializeToString())


def task(title: str, status: str = "PENDING") -> tasks_pb2.Task:
    return tasks_pb2.Task(
        id=TASK, owner_id=ADA, title=title, priority="TASK_PRIORITY_LOW", status=f"TASK_STATUS_{status}"  # type: ignore[arg-type]
    )  # fmt: skip


def updated(state: tasks_pb2.Task, *paths: str) -> tasks.TaskUpdated:
    return tasks.TaskUpdated(task=state, changed=FieldMask(paths=paths))


POISON = Record(TASKS, 0, 6, "", {POISON_HEADER: "1", GROUPS_HEADER: "notify"}, b"\xff")
RECORDS = (
    record("primetrade.auth.v1", 0, ADA, 1, auth.AccountRegistered(account=auth_pb2.Account(email="ada@x"))),
    record("primetrade.users.v1", 0, ADA, 1, users.ProfileCreated(profile=users_pb2.Profile(name="A", email="ada@x"))),
    record(TASKS, 0, TASK, 1, tasks.TaskCreated(task=task("one"))),
    record(TASKS, 1, TASK, 2, updated(task("two"), "title")),
    record(TASKS, 2, TASK, 3, updated(task("two", "COMPLETED"), "status")),
    record(TASKS, 3, TASK, 4, tasks.TaskCompleted(task=task("two", "COMPLETED"))),
    record(TASKS, 4, GONE, 1, tasks.TaskCreated(task=task("brief"))),
    record(TASKS, 5, GONE, 2, tasks.TaskDeleted(task_id=GONE)),
    POISON,
    # A repeat, as a crash makes it: no promise is broken by it.
    record(TASKS, 7, TASK, 2, updated(task("two"), "title")),
)  # fmt: skip
STORY = {
    "dlq_reason": "undecodable", "dlq_topic": TASKS, "dlq_partition": "0", "dlq_offset": "6", "dlq_attempts": "1",
    "dlq_group": "primetrade.notify", "dlq_time": "now",
}  # fmt: skip
STATE = {"title": "two", "status": "completed", "priority": 1}
DONE = {"kind": "task-completed", "owner_id": ADA, "task_id": TASK}
DOCUMENTS = (
    Stored("auth.accounts", ADA, 1, 1, 0, False, {"email": "ada@x", "name": "A"}),
    Stored("users.profiles", ADA, 1, 1, 0, False, {"email": "ada@x", "name": "A"}),
    Stored("tasks.tasks", TASK, 3, 4, 0, False, STATE),
    Stored("tasks.tasks", GONE, 2, 2, 0, True, {}),
    # Entries whose own events are left out: with sequence 0 none are expected.
    Stored("notify.notifications", "entry-1", 0, 0, 0, False, {"kind": "welcome", "owner_id": ADA, "task_id": None}),
    Stored("notify.notifications", "entry-2", 0, 0, 0, False, DONE),
)  # fmt: skip
OBSERVED = Observed(
    documents=DOCUMENTS,
    records=RECORDS,
    letters=(replace(POISON, topic=DEAD, offset=0, headers={**POISON.headers, **STORY}),),
    reminders={TASK: 4, GONE: 2},
    mails=(Mail("<1@x>", "ada@x"),),
)


def attempt(verb: Verb, subject: str, marker: str, at: float, outcome: Outcome = Outcome.ACKNOWLEDGED) -> Attempt:
    return Attempt(verb, subject, marker, at, at + 0.5, outcome, {Outcome.REFUSED: "404"}.get(outcome, "200"))


ATTEMPTS = (
    attempt(Verb.REGISTER, ADA, "ada@x", 0),
    attempt(Verb.CREATE, TASK, "one", 1),
    attempt(Verb.CHANGE, TASK, "two", 2),
    attempt(Verb.CHANGE, TASK, "never came", 2.5, Outcome.UNKNOWN),
    attempt(Verb.COMPLETE, TASK, "", 3),
    attempt(Verb.CREATE, GONE, "brief", 4),
    attempt(Verb.DELETE, GONE, "", 5),
    attempt(Verb.CHANGE, GONE, "too late", 6, Outcome.REFUSED),
)
