"""Ask a process whether it serves: `python -m chassis.rpc.probe host:port` (gRPC health v1) or `… http://host:port/readyz`.

Exits with 0 when it does, else with 1 and a line that says what it answered. Container health checks run it.
"""

import sys
from urllib.error import URLError
from urllib.request import urlopen

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SECONDS = 4.0


def grpc_health(target: str, seconds: float = SECONDS) -> str:
    """The state that the server at host:port gives for itself, by name, or why there is none."""
    with grpc.insecure_channel(target) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.RpcError as error:
            return str(error.code().name)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def http_health(url: str, seconds: float = SECONDS) -> str:
    """SERVING when the URL answers 200, else why not."""
    try:
        with urlopen(url, timeout=seconds):  # noqa: S310 - the caller gives an http URL of its own process
            return "SERVING"
    except (URLError, OSError) as error:
        return str(error)


def main() -> None:
    """The command."""
    if len(sys.argv) != 2:
        print(f"usage: python -m {__spec__.name} host:port | http://host:port/path", file=sys.stderr)
        raise SystemExit(2)
    target = sys.argv[1]
    state = http_health(target) if target.startswith("http://") else grpc_health(target)
    if state != "SERVING":
        print(f"{target}: {state}", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
