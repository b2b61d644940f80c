"""A connection that speaks HTTP/2: h2 keeps the protocol, this what bounds it."""

import asyncio
import contextvars
from collections.abc import Iterable
from itertools import chain
from typing import Any

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame
from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from gateway.connection import ABORT, LINGER_SECONDS, Limits
from gateway.departure import DEPARTURE
from gateway.http2.head import fault_of, head_of, scope_of
from gateway.http2.patience import Patience
from gateway.http2.stream import Stream
from gateway.middleware.messages import UNMEASURED

STREAMS = 100
"""Requests that a connection may have in hand: no fewer are advised (RFC 9113, 6.5.2)."""
_WINDOW = 1_048_576
"""Bytes of bodies that a connection may have here unread."""
_TABLE = 4_096
"""Bytes of what was said in heads that HPACK may keep to say it shorter (RFC 7541, 4.2)."""
_ANY_STREAM = 2**31 - 1
_SMALL = 128
"""Data frames below this bring so little that their number counts."""
_RESET_COST, _FRAME_COST = 5, 1
_LATE_SECONDS = 1.0
"""How long a server on its way out waits for requests that are on theirs."""
_FAREWELL = (b"connection", b"close")
"""What every answer says of a server that is about to leave. In HTTP/2 that is a GOAWAY."""
_OF_THE_CONNECTION = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
"""What an answer says of its connection in HTTP/1.1, and not here (RFC 9113, 8.2.2)."""
# A field that breaks a rule is a fault of its stream (RFC 9113, 8.1.1); h2 would end the connection, and with it what
# a proxy asked there for others. So the fields are held against the rules where they are read.
_CONFIG = H2Configuration(
    client_side=False,
    header_encoding=None,
    validate_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)


class _Frames(H2Connection):
    MAX_CLOSED_STREAMS = 1_000  # remembered; h2's own 65,536 would be megabytes of a connection that lasts


class Http2Connection(asyncio.Protocol):
    """Serves requests side by side, as many as STREAMS.

    A request whose fields are in doubt is answered with the problem that HTTP/1.1 would get; what breaks the framing
    ends the connection, with a GOAWAY that says why. While nothing is asked there is always a timer, first that of the
    head, then that of keep-alive, and only a request stops it. A client that says GOAWAY is gone.
    """

    def __init__(
        self,
        limits: Limits,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._limits, self._config, self._state, self._loop = limits, config, server_state, loop
        self._app, self._app_state = config.loaded_app, app_state
        self._h2 = _Frames(_CONFIG)
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
                SettingCodes.MAX_HEADER_LIST_SIZE: limits.size,
            },
        )
        # What is a little too large gets an answer; beyond this the connection ends.
        self._h2.decoder.max_header_list_size = 2 * limits.size
        self._streams: dict[int, Stream] = {}
        self._patience = Patience(loop.time)
        self._held = 0
        """Bytes since anything came on: they are a head or a frame, and kept in memory."""
        self._deaf = self._draining = self._flushing = False
        self.paused = False
        """Whether so much waits to be sent that no more should be added."""
        self._deadline: asyncio.TimerHandle | None = None

    # What the transport and the server tell.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._client, self._server = get_remote_addr(transport), get_local_addr(transport)
        self._state.connections.add(self)  # type: ignore[arg-type]
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_WINDOW - self._h2.inbound_flow_control_window)
        self._flush()
        self._await_request(self._limits.seconds)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._state.connections.discard(self)
        self._end()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self._find_room()

    def shutdown(self) -> None:
        """End with the last request. Those that are on their way are served (RFC 9113, 6.8)."""
        if not self._deaf:
            self._ask_for_no_more()
            if not self._streams:
                self._await_request(min(self._limits.seconds, _LATE_SECONDS))

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        try:
            happened = self._h2.receive_data(data)
        except ProtocolError:  # h2 has a GOAWAY ready, which says what it was
            self._close(ErrorCodes.PROTOCOL_ERROR)
            return
        self._held = 0 if happened else self._held + len(data)
        if self._held > 2 * self._limits.size:
            self._go_away(ErrorCodes.ENHANCE_YOUR_CALM)
        for event in happened:
            if self._deaf:
                return
            self._take(event)
        self._flush_soon()

    # What the client sends.

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.RequestReceived):
            self._begin(event)
        elif isinstance(event, events.DataReceived):
            self._arrived(event)
        elif isinstance(event, events.StreamEnded):
            if stream := self._streams.get(event.stream_id):
                stream.end()
        elif isinstance(event, events.StreamReset):
            self._left(event)
        elif isinstance(event, events.ConnectionTerminated):
            self._close(ErrorCodes.NO_ERROR)
        else:
            if isinstance(event, events.WindowUpdated | events.RemoteSettingsChanged):
                # A client may offer gigabytes for the names and values that were sent; they would be kept here.
                if self._h2.encoder.header_table_size > _TABLE:
                    self._h2.encoder.header_table_size = _TABLE
                self._find_room()
            self._spend(_FRAME_COST)

    def _begin(self, event: events.RequestReceived) -> None:
        reset = not self._is_open(event.stream_id)  # by what came with it
        if reset or len(self._streams) >= STREAMS:  # those that the client has reset are still being served
            if not reset:
                self._h2.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)
            self._spend(_RESET_COST)
            return
        ended = event.stream_ended is not None
        head = head_of(event.headers)
        problem = fault_of(event.headers, head, ended, self._limits)
        stream = Stream(self, event.stream_id, head, ended)
        scope = {
            **scope_of(head, problem),
            "server": self._server,
            "client": self._client,
            "state": self._app_state.copy(),
            DEPARTURE: stream.departure,
            ABORT: stream.abort,
        }
        if not ended and problem is None:
            scope[UNMEASURED] = True
        self._streams[event.stream_id] = stream
        self._stop_waiting()
        # A context of its own: a stream would else inherit the principal and the deadline of another.
        task = self._loop.create_task(stream.run(self._app, scope), context=contextvars.Context())
        task.add_done_callback(self._state.tasks.discard)
        self._state.tasks.add(task)

    def _arrived(self, event: events.DataReceived) -> None:
        if len(event.data) < _SMALL and event.stream_ended is None:
            self._spend(_FRAME_COST)
        stream = self._streams.get(event.stream_id)
        if stream is not None and not stream.over:
            stream.arrive(event.data, event.flow_controlled_length)
        elif not self._deaf:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def _left(self, event: events.StreamReset) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.over:
            return
        stream.leave()
        if not stream.begun:
            self._spend(_RESET_COST)

    def _spend(self, cost: int) -> None:
        if not self._patience.spend(cost):
            self._go_away(ErrorCodes.ENHANCE_YOUR_CALM)

    def _is_open(self, number: int) -> bool:
        return number in self._h2.streams and not self._h2.streams[number].closed

    def _find_room(self) -> None:
        for stream in self._streams.values():
            stream.find_room()

    # What the streams send.

    def room(self, stream: Stream) -> int:
        """Bytes of data that may be sent now."""
        if self.paused:
            return 0
        return min(self._h2.local_flow_control_window(stream.number), self._h2.max_outbound_frame_size)

    def patience_ends(self) -> float:
        """Until when a client must have taken the least of what it is sent, or all."""
        return self._loop.time() + self._limits.send_seconds

    def invite(self, stream: Stream) -> None:
        """Let the client send the body."""
        self._h2.send_headers(stream.number, [(b":status", b"100")])
        self._flush_soon()

    def send_head(self, stream: Stream, status: int, headers: Iterable[tuple[bytes, bytes]], end: bool) -> None:
        """The status and the headers of the answer."""
        if _FAREWELL in self._state.default_headers:
            self._ask_for_no_more()
        said = ((name.lower(), value) for name, value in chain(self._state.default_headers, headers))
        kept = [header for header in said if header[0] not in _OF_THE_CONNECTION]
        self._h2.send_headers(stream.number, [(b":status", b"%d" % status), *kept], end_stream=end)
        self._flush_soon()

    def send_data(self, stream: Stream, data: bytes, end: bool) -> None:
        """A piece of the answer, for which there is room."""
        self._h2.send_data(stream.number, data, end_stream=end)
        self._patience.earn(2 * _FRAME_COST)  # it will come back as two windows
        self._flush_soon()

    def give_back(self, stream: Stream) -> None:
        """What the stream held of the client's window."""
        if stream.unread and not self._deaf:
            self._h2.acknowledge_received_data(stream.unread, stream.number)
            self._flush_soon()
        stream.unread = 0

    def reset(self, stream: Stream, code: ErrorCodes) -> None:
        """End the stream, and nothing else."""
        self._h2.reset_stream(stream.number, code)
        self._flush_soon()

    def served(self, stream: Stream) -> None:
        """The application is done with it."""
        del self._streams[stream.number]
        self._state.total_requests += 1
        if self._deaf:
            return
        if not stream.over:
            self.reset(stream, ErrorCodes.INTERNAL_ERROR)
            stream.leave()
        elif not stream.ended and self._is_open(stream.number):
            self.reset(stream, ErrorCodes.NO_ERROR)  # the rest of the request is not needed (RFC 9113, 8.1)
        self.give_back(stream)
        if stream.answered:
            self._patience.earn(_RESET_COST)
        if not self._streams:
            if self._draining:
                self._go_away(ErrorCodes.NO_ERROR)
            else:
                self._await_request(self._config.timeout_keep_alive)

    # How it ends.

    def _ask_for_no_more(self) -> None:
        if not self._draining:
            self._draining = True
            self._flush()
            self._transport.write(GoAwayFrame(0, last_stream_id=_ANY_STREAM).serialize())

    def _await_request(self, seconds: float) -> None:
        self._stop_waiting()
        self._deadline = self._loop.call_later(seconds, self._go_away, ErrorCodes.NO_ERROR)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _go_away(self, code: ErrorCodes) -> None:
        if not self._deaf:
            self._h2.close_connection(code)
            self._close(code)

    def _close(self, code: ErrorCodes) -> None:
        """Hear nothing more, and close when the client could read why: unread data cause a reset (RFC 9112, 9.6)."""
        self._flush()
        self._end()
        if code is ErrorCodes.NO_ERROR:
            self._transport.close()  # what was sent is still on its way
        elif not self._transport.is_closing():
            self._transport.write_eof()
        linger = LINGER_SECONDS if code else self._limits.send_seconds
        self._deadline = self._loop.call_later(linger, self._transport.abort)

    def _end(self) -> None:
        self._deaf = True
        self._stop_waiting()
        for stream in self._streams.values():
            if not stream.over:
                stream.leave()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)
