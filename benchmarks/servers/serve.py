"""The application by the gateway's own server, as a component of a process."""

import argparse
from typing import Any, cast

import uvloop

from benchmarks.servers.app import app
from chassis.process import Process
from chassis.telemetry.logs import configure_logs
from gateway.middleware.refusal import REFUSAL
from gateway.server import HttpServer
from gateway.settings import Settings


async def _refusing(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The connection lets the application say what it refuses."""
    problem = scope.get(REFUSAL)
    if problem is None:
        await app(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": problem.row.status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def _serve(port: int, h2c: bool) -> int:
    settings = Settings(gateway_port=port, gateway_h2c=h2c, header_timeout=2)
    return await Process("bench", [HttpServer(settings, cast(Any, _refusing))]).serve()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--h2c", action="store_true")
    asked = parser.parse_args()
    configure_logs("bench", "error")
    raise SystemExit(uvloop.run(_serve(asked.port, asked.h2c)))


if __name__ == "__main__":
    main()
