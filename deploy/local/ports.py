"""Taken ports, found before anything starts."""

import errno
import os
import random
import socket
from collections.abc import Iterable

from chassis.testing.engines import accepts
from deploy.local.settings import PORTS


def why_unusable(port: int, host: str = "127.0.0.1") -> str:
    """Why a server could not listen on the port now; empty when it could."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return (
                "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({os.strerror(error.errno or 0)})"
            )
    return "is taken" if accepts(port) else ""


def free_base(offsets: Iterable[int]) -> int:
    """A PORT_BASE whose ports are free now, below the range that systems hand out by themselves."""
    wanted = list(offsets)
    while True:
        base = random.randrange(15_000, 32_000 - 2 * PORTS, 2 * PORTS)  # noqa: S311 - no secret
        if not any(why_unusable(base + offset) for offset in wanted):
            return base
