"""Applications that answer a task which they have at hand, on the gateway's own HTTP server: what everything beyond
them costs is the gateway's."""

import argparse
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

import orjson
import uvloop
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.process import Process
from chassis.telemetry.logs import configure_logs
from gateway.server import HttpServer
from gateway.settings import Settings

_TASK: dict[str, Any] = {
    "id": "0194c0de-7a3b-7cc2-9d3e-0f6d8f3a2b11",
    "title": "Write the annual report",
    "description": "",
    "status": "pending",
    "priority": "medium",
    "dueDate": None,
    "createdAt": "2030-01-31T17:00:00.000Z",
    "updatedAt": "2030-01-31T17:00:00.000Z",
    "completedAt": None,
}


class Task(BaseModel):
    """The answer as a response model."""

    id: UUID
    title: str
    description: str
    status: str
    priority: str
    dueDate: str | None  # noqa: N815 - as clients know it
    createdAt: str  # noqa: N815
    updatedAt: str  # noqa: N815
    completedAt: str | None  # noqa: N815


def asgi() -> ASGIApp:
    """No framework at all."""

    async def app(_: Scope, __: Receive, send: Send) -> None:
        body = orjson.dumps(_TASK)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def raw() -> ASGIApp:
    """A route of FastAPI that makes its response by itself."""
    app = FastAPI()

    @app.get("/api/v1/tasks/{task_id}")
    async def get_task(task_id: str) -> Response:  # noqa: ARG001 - read from the path
        return Response(orjson.dumps(_TASK), media_type="application/json")

    return app


def model() -> ASGIApp:
    """A route of FastAPI whose answer is checked and written by a response model."""
    app = FastAPI()

    @app.get("/api/v1/tasks/{task_id}", response_model=Task)
    async def get_task(task_id: UUID) -> dict[str, Any]:  # noqa: ARG001
        return _TASK

    return app


APPLICATIONS: dict[str, Callable[[], ASGIApp]] = {"asgi": asgi, "raw": raw, "model": model}


def main() -> None:
    """`python -m benchmarks.gateway.bare NAME PORT`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=APPLICATIONS)
    parser.add_argument("port", type=int)
    asked = parser.parse_args()
    configure_logs("bare", "error")
    server = HttpServer(Settings(gateway_port=asked.port), cast(Any, APPLICATIONS[asked.name]()))
    raise SystemExit(uvloop.run(Process("bare", [server]).serve()))


if __name__ == "__main__":
    main()
