"""A connection that speaks HTTP/1.1, or HTTP/2 when it begins with the preface of that."""

from gateway.connection import Connection
from gateway.http2.connection import Http2Connection

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What no program that speaks HTTP/1.1 takes for a request (RFC 9113, 3.4)."""


class Either(Connection):
    """HTTP/1.1, until the first bytes say otherwise. There is no upgrade on the way (RFC 9113 has none any more)."""

    _first: bytes | None = b""
    """What has come while it could still become the preface; None when it cannot."""

    def data_received(self, data: bytes) -> None:
        if self._first is None:
            super().data_received(data)
            return
        self._first += data
        if self._first.startswith(PREFACE):
            self._hand_over(self._first)
        elif not PREFACE.startswith(self._first):
            data, self._first = self._first, None
            super().data_received(data)

    def _hand_over(self, data: bytes) -> None:
        self._head_arrived()
        self.connections.discard(self)
        successor = Http2Connection(self._limits, self.config, self.server_state, self.app_state, self.loop)
        self.transport.set_protocol(successor)
        successor.connection_made(self.transport)
        successor.data_received(data)
