"""Taken ports, found before anything starts."""

import errno
import os
import socket

from chassis.testing.engines import accepts


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
