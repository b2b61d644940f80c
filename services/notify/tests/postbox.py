"""A real SMTP server for tests: keeps what it takes, and refuses, defers or falls silent as it is told."""

import asyncio
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from chassis.testing.ports import free_port


@dataclass
class Postbox:
    """Async context manager. `answer` decides on each recipient: None takes it, a string is the answer to RCPT.
    With `may_answer` not set it takes mails and does not say so. With `login` it asks who sends. With `smtputf8` it
    takes addresses in any script (RFC 6531)."""

    port: int = field(default_factory=free_port)
    answer: Callable[[str], str | None] = lambda recipient: None
    login: tuple[str, str] | None = None
    smtputf8: bool = False
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _connections: list[SMTP] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.may_answer.set()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to an address."""
        return [mail for mail, to in zip(self.mails, self.recipients, strict=True) if to == [address]]

    async def __aenter__(self) -> "Postbox":
        self._server = await asyncio.get_running_loop().create_server(self._connection, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.may_answer.set()
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            if connection.transport is not None:
                connection.transport.close()

    def _connection(self) -> SMTP:
        options: dict[str, Any] = {"enable_SMTPUTF8": self.smtputf8}
        if self.login:
            options |= {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": False}
        with warnings.catch_warnings():
            # That a login in the clear is unsafe is known here.
            warnings.simplefilter("ignore", UserWarning)
            connection = SMTP(self, hostname="postbox.test", loop=asyncio.get_running_loop(), **options)
        self._connections.append(connection)
        return connection

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == self.login, handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (refusal := self.answer(address)) is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(message_from_string((envelope.original_content or b"").decode(), policy=policy.default))
        self.recipients.append(envelope.rcpt_tos)
        await self.may_answer.wait()
        return "250 OK"
