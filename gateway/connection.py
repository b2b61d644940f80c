"""A connection: HTTP/1.1 by uvicorn and httptools, with bounds on what comes before a request is one."""

import asyncio
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from chassis.errors import Unreadable
from chassis.problem import TABLE, Problem
from gateway.departure import DEPARTURE, Departure
from gateway.framing import HEAD_TOO_LARGE, NOT_IMPLEMENTED, fault_of, unreadable
from gateway.middleware.refusal import REFUSAL
from gateway.reading.body import TOO_SLOW

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) (/[!->@-~]{0,1023})(?:\?[!-~]*)? HTTP/1\.[01]\r?\n")
"""A request line as RFC 9112, 3 has it, whatever its method."""
ABORT = "primetrade.abort"
"""Where a scope holds what cuts its client at once, whatever waits to be sent: the connection, or its stream."""
LINGER_SECONDS = 2.0
LEAST = 16_384
"""Bytes that a client must take of what waits for it, each time it is looked at, unless it takes all."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes the close a reset: the system, too, forgets what waits."""
_PATIENCE_SECONDS = 1.0
"""How long a server on its way out waits for what a connection is about to ask."""
_CHUNK_HEAD = 16
"""Bytes of framing that a chunk may have without being asked about them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a connection allows its client."""

    size: int
    """Bytes that the request line and the headers may have together."""
    seconds: float
    """In which they must be there."""
    count: int
    """Headers."""
    send_seconds: float
    """In which the least of a waiting answer must be taken."""


class Connection(HttpToolsProtocol):
    """Serves requests one after the other, and refuses by itself what never becomes one.

    A head larger than the limit gets 431, one that is not there in time 408, one that is not HTTP 400, an unknown
    method 501, each as a problem document, which the application says like any other; then the connection is closed.
    While no answer is owed there is always a timer, the one for the head or that of keep-alive: nobody can hold a
    connection by sending slowly. Trailers count as a head does, and are dropped (RFC 9110, 6.5.1). What chunks have
    besides their data is bounded as a head is (RFC 9112, 7.1.1). Nor can anybody hold one by reading slowly: who does
    not take at least 16 kB of an answer in `send_seconds` is cut.
    """

    def __init__(
        self,
        limits: Limits,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._part: Literal["between", "head", "body"] = "between"
        self._advanced = False
        """Whether the data at hand brought a message, a head or a piece of a body on."""
        self._held = 0
        """Bytes since anything came on: they are a head or trailers, and kept in memory."""
        self._framing = 0
        """Bytes of the body at hand that are none of its data, beyond what each of its chunks may have."""
        self._fault: Problem | None = None
        self._deaf = False
        self._departure = Departure()
        self._deadline: asyncio.TimerHandle | None = None
        self._next_look: asyncio.TimerHandle | None = None
        """When it is looked whether the client has taken enough, while nothing is added to what waits for it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        self._look_no_more()
        super().connection_lost(exc)
        self._departure.leave()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_later()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._look_no_more()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._look_later()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        part, cycle, self._advanced = self._part, self.cycle, False
        if part == "body":
            self._framing = max(self._framing, 0) + len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No upgrade is taken, and what follows its offer can no longer be told from the next request.
            self._deaf = True
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            begins = part == "between" and self.cycle is cycle
            self._refuse(*self._story(error, data if begins else b""))
        else:
            self._held = 0 if self._advanced else self._held + len(data)
            if self._held > self._limits.size:
                self._refuse(self._too_large())
            elif part == self._part == "body" and self._framing > self._limits.size:
                self._refuse(unreadable("its chunks have too much besides their data"))
            elif not self._owes:
                self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope = cast(dict[str, Any], self.scope)
        scope[DEPARTURE], scope[ABORT] = self._departure, self.transport.abort
        self._part, self._advanced = "head", True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._part == "head":
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        # The first data of a head are not in `_held`: they may be the end of something else.
        self._held = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if self._held > self._limits.size:
            raise ValueError("the head is too large")
        version, method = self.parser.get_http_version(), self.parser.get_method()
        self._fault = fault_of(version, method, self.url, self.headers, self._limits.count)
        if self._fault is not None:
            raise ValueError(self._fault.detail)
        self._head_arrived()
        self._part, self._advanced, self._framing = "body", True, 0
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        self._framing -= _CHUNK_HEAD

    def on_body(self, body: bytes) -> None:
        self._advanced = True
        self._framing -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._part, self._advanced = "between", True
        super().on_message_complete()

    def shutdown(self) -> None:
        """Close when all that was asked is answered. Who has just connected, or begun to ask, is heard for a while."""
        if self.cycle is None or (self._part == "head" and not self._owes):
            self._head_arrived()
            self._deadline = self.loop.call_later(min(self._limits.seconds, _PATIENCE_SECONDS), self._give_up)
        else:
            super().shutdown()

    @property
    def _owes(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._limits.seconds, self._give_up)

    def _head_arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._part == "head" and not self.transport.is_closing():
            self._refuse(Problem(TOO_SLOW, f"The headers did not arrive within {self._limits.seconds:g} seconds."))
        else:
            self._close()

    def _close(self) -> None:
        self.transport.close()
        self._look_later()

    def _look_later(self) -> None:
        if self._next_look is None and (waiting := self.transport.get_write_buffer_size()):
            self._next_look = self.loop.call_later(self._limits.send_seconds, self._look_at, waiting)

    def _look_no_more(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def _look_at(self, waited: int) -> None:
        self._next_look = None
        waiting = self.transport.get_write_buffer_size()
        if waiting and waiting > waited - LEAST:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        else:
            self._look_later()

    def _too_large(self) -> Problem:
        return Problem(HEAD_TOO_LARGE, f"Request line and headers may have at most {self._limits.size} bytes together.")

    def _story(self, error: httptools.HttpParserError, begun: bytes) -> tuple[Problem, str, bytes]:
        """The problem of data that could not be parsed, with method and path where they are known."""
        if self._held > self._limits.size:
            return self._too_large(), self._method, self._path
        if self._fault is not None:
            return self._fault, self._method, self._path
        if isinstance(error, httptools.HttpParserInvalidMethodError) and (line := _REQUEST_LINE.match(begun)):
            method = line[1].decode()
            return Problem(NOT_IMPLEMENTED, f"No path allows {method}."), method, line[2]
        why = "" if isinstance(error, httptools.HttpParserCallbackError) else f": {error}"
        return Problem(TABLE[Unreadable], f"the request is not HTTP/1.1{why}"), self._method, self._path

    @property
    def _method(self) -> str:
        return self.parser.get_method().decode() if self._part != "between" and self.url else ""

    @property
    def _path(self) -> bytes:
        path = self.url.partition(b"?")[0] if self._part != "between" else b""
        return path[:1024] if path.startswith(b"/") else b""

    def _refuse(self, problem: Problem, method: str | None = None, path: bytes | None = None) -> None:
        """Answer with the problem, after what was asked before it, and hear nothing more."""
        scope = self._scope(problem, self._method if method is None else method, self._path if path is None else path)
        self._deaf = True
        self._head_arrived()
        broken, self.cycle = self.cycle, self._cycle(scope)
        if broken is None or broken.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        elif not broken.more_body:
            self.pipeline.appendleft((self.cycle, self.app))
        elif self.pipeline:
            self.pipeline[0] = (self.cycle, self.app)
        else:  # it is being served, and the rest of its body cannot be read
            broken.disconnected = True
            broken.message_event.set()
            if broken.response_started:
                self._close()
            else:
                self._start_asgi_task(self.cycle, self.app)

    def _cycle(self, scope: dict[str, Any]) -> RequestResponseCycle:
        cycle = RequestResponseCycle(
            scope=cast(Any, scope),
            transport=_LastWords(self.transport, self._linger),
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        return cycle

    def _linger(self) -> None:
        """Close when the client could read (RFC 9112, 9.6): unread data cause a reset, which may destroy the answer."""
        if not self.transport.is_closing():
            self.transport.write_eof()
            self._deadline = self.loop.call_later(LINGER_SECONDS, self._close)

    def _scope(self, problem: Problem, method: str, path: bytes) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
            "method": method,
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": b"",
            "headers": [],
            "state": self.app_state.copy(),
            REFUSAL: problem,
        }


class _LastWords(asyncio.Transport):
    """The transport as the last answer sees it: to close it is for the connection."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        super().__init__()
        self.write, self.is_closing, self.close = transport.write, transport.is_closing, close  # type: ignore[method-assign]
