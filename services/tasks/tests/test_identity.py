"""Nobody gets in without a valid token, on any method."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message
from primetrade.tasks.v1 import tasks_pb2

from chassis.errors import Unauthenticated
from chassis.rpc.client import bearer
from chassis.testing.issuer import Issuer
from services.tasks.tests.wire import Person, Service

REQUESTS: dict[str, Message] = {
    "CreateTask": tasks_pb2.CreateTaskRequest(task=tasks_pb2.Task(title="Break in")),
    "GetTask": tasks_pb2.GetTaskRequest(),
    "ListTasks": tasks_pb2.ListTasksRequest(),
    "UpdateTask": tasks_pb2.UpdateTaskRequest(),
    "CompleteTask": tasks_pb2.CompleteTaskRequest(),
    "DeleteTask": tasks_pb2.DeleteTaskRequest(),
}


def unsigned(issuer: Issuer, subject: str) -> str:
    claims = jwt.decode(issuer.token(subject), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": issuer.kid})


def tampered(issuer: Issuer, subject: str) -> str:
    header, _, signature = issuer.token(str(uuid4())).split(".")
    claims = jwt.decode(issuer.token(subject), options={"verify_signature": False})
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


BAD_TOKENS: dict[str, Callable[[Issuer, str], str]] = {
    "expired": lambda issuer, subject: issuer.token(subject, exp=int(time.time()) - 1),
    "wrong audience": lambda issuer, subject: issuer.token(subject, aud="somebody-else"),
    "wrong issuer": lambda issuer, subject: issuer.token(subject, iss="somebody-else"),
    "wrong key": lambda issuer, subject: issuer.token(subject, key=Ed25519PrivateKey.generate()),
    "alg none": unsigned,
    "tampered": tampered,
    "no token": lambda *_: "nonsense",
}


def test_every_method_is_tried() -> None:
    service = tasks_pb2.DESCRIPTOR.services_by_name["TasksService"]
    assert set(REQUESTS) == {method.name for method in service.methods}


@pytest.mark.parametrize("method", REQUESTS)
@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_bad_token_is_refused(service: Service, ada: Person, method: str, kind: str) -> None:
    call: Any = getattr(service.stub, method)
    with pytest.raises(Unauthenticated):
        await call(REQUESTS[method], metadata=bearer(BAD_TOKENS[kind](service.issuer, ada.id)))
    assert (await ada.list()).total_size == 0


@pytest.mark.parametrize("method", REQUESTS)
async def test_a_call_without_a_token_is_refused(service: Service, method: str) -> None:
    call: Any = getattr(service.stub, method)
    with pytest.raises(Unauthenticated):
        await call(REQUESTS[method], metadata=())
