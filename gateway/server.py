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

from gateway.connection import Connection, Limits
from gateway.http2.either import Either
from gateway.settings import Settings

log = structlog.get_logger(__name__)

_BACKLOG = 2048
_CLOSE = (b"connection", b"close")


class PortTaken(Exception):
    """The gateway cannot listen where its settings say."""


class HttpServer:
    """Component: serves the application.

    Entering it listens (raises PortTaken, naming the setting), or accepts from the listener that it is given, and lets
    the process have as many open files, which connections are, as the system allows; leaving it accepts nothing new,
    lets the requests in flight end within the drain time, and cancels the rest. Signals are the process's, not
    uvicorn's.
    """

    name = "http"

    def __init__(self, settings: Settings, app: ASGIApp, listener: socket.socket | None = None) -> None:
        self._host, self.port = settings.gateway_host, settings.gateway_port
        limits = Limits(settings.max_header_bytes, settings.header_timeout, settings.max_headers, settings.send_timeout)
        protocol = Either if settings.gateway_h2c else Connection
        self._config = uvicorn.Config(
            app,
            loop="none",
            http=cast(Any, partial(protocol, limits)),  # uvicorn does nothing with it but call it
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
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        _allow_many_files()
        listener = self._listener = self._listener or listen(self._host, self.port)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._config.load()
        self._server.lifespan = self._config.lifespan_class(self._config)
        await self._server.startup(sockets=[listener.dup()])
        self._task = asyncio.create_task(self._server.main_loop(), name=self.name)
        log.info("http_listening", host=self._host, port=self.port)

    async def __aexit__(self, *_: object) -> None:
        if self._task is None:
            return
        self._server.should_exit = True
        await asyncio.wait({self._task})
        self.say_farewell()
        await self.stop_accepting()
        await self._server.shutdown()

    @property
    def listening(self) -> bool:
        """Whether it accepts."""
        return self._listener is not None

    def say_farewell(self) -> None:
        """From now on every answer closes its connection."""
        # For uvicorn's next look at the clock, and until then.
        if _CLOSE not in self._config.encoded_headers:
            self._config.encoded_headers.append(_CLOSE)
            self._server.server_state.default_headers = [*self._server.server_state.default_headers, _CLOSE]

    async def stop_accepting(self) -> None:
        """Close the listener, and serve who came to it before that: the system would reset who is in its queue."""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        for server in self._server.servers:
            server.close()
        loop = asyncio.get_running_loop()
        with listener:
            while (connection := _next(listener)) is not None:
                await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        make = cast(Any, self._config.http_protocol_class)
        state = self._server.lifespan.state
        made: asyncio.Protocol = make(config=self._config, server_state=self._server.server_state, app_state=state)
        return made

    def background(self) -> Iterable["asyncio.Task[None]"]:
        return () if self._task is None else (self._task,)


def _allow_many_files() -> None:
    """The soft limit is low for the sake of programs that use select(2), which this is none of."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError):  # macOS says that there is no hard limit, and has one
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise PortTaken(f"GATEWAY_PORT: cannot listen on {host}:{port}: {error.strerror}") from error


def _next(listener: socket.socket) -> socket.socket | None:
    try:
        return listener.accept()[0]
    except OSError:  # nobody is in the queue, or whoever was has left
        return None
