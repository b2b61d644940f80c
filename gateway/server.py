"""The HTTP server of the gateway: uvicorn as a component of the process."""

import asyncio
import contextlib
import math
import resource
import socket
from collections.abc import Iterable
from functools import partial
from typing import Any, cast

import structlog
import uvicorn
from starlette.types import ASGIApp

from gateway.connection import Connection, HeadLimits
from gateway.settings import Settings

log = structlog.get_logger(__name__)

_BACKLOG = 2048


class PortTaken(Exception):
    """The gateway cannot listen where its settings say."""


class HttpServer:
    """Component: serves the application.

    Entering it listens (raises PortTaken, naming the setting), and lets the process have as many open files, which
    connections are, as the system allows; leaving it accepts nothing new, lets the requests in
    flight end within the drain time, and cancels the rest. Signals are the process's, not uvicorn's.
    """

    name = "http"

    def __init__(self, settings: Settings, app: ASGIApp) -> None:
        self._host, self.port = settings.gateway_host, settings.gateway_port
        limits = HeadLimits(
            settings.max_header_bytes, settings.header_timeout, settings.max_headers, settings.send_timeout
        )
        self._config = uvicorn.Config(
            app,
            loop="none",
            http=cast(Any, partial(Connection, limits)),  # uvicorn does nothing with it but call it
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=settings.keep_alive_timeout,
            timeout_graceful_shutdown=math.ceil(settings.drain_timeout),
            # A pipelined request would else inherit the principal and the deadline of the one before it.
            reset_contextvars=True,
        )
        self._server = uvicorn.Server(self._config)
        self._listener: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        _allow_many_files()
        self._listener = _listen(self._host, self.port)
        self.port = self._listener.getsockname()[1]
        self._config.load()
        self._server.lifespan = self._config.lifespan_class(self._config)
        await self._server.startup(sockets=[self._listener])
        self._task = asyncio.create_task(self._server.main_loop(), name=self.name)
        log.info("http_listening", host=self._host, port=self.port)

    async def __aexit__(self, *_: object) -> None:
        if self._listener is None or self._task is None:
            return
        self._server.should_exit = True
        await asyncio.wait({self._task})
        await self._server.shutdown(sockets=[self._listener])

    def background(self) -> Iterable["asyncio.Task[None]"]:
        return () if self._task is None else (self._task,)


def _allow_many_files() -> None:
    """The soft limit is low for the sake of programs that use select(2), which this is none of."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError):  # macOS says that there is no hard limit, and has one
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise PortTaken(f"GATEWAY_PORT: cannot listen on {host}:{port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener
