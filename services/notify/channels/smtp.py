"""Mail over SMTP (RFC 5321)."""

import asyncio
import contextlib
import socket
from email.message import EmailMessage

import aiosmtplib

from services.notify.channels.letter import compose
from services.notify.channels.outcome import Deferred, Refused
from services.notify.channels.server import SmtpServer
from services.notify.domain.delivery import Delivery

NAME = "mail"
_NOT_LET_IN = frozenset({530, 534, 535, 538})


class SmtpChannel:
    """Hands mails to one server, each over its own connection, in `timeout` seconds and as many for the farewell."""

    def __init__(self, server: SmtpServer, sender: str, timeout: float) -> None:
        self._server, self._sender, self._timeout = server, sender, timeout

    async def send(self, delivery: Delivery) -> None:
        """Return when the server has taken the mail over. Raises Deferred or Refused.

        Not being let in (RFC 4954), or not as this sender, says nothing about the mail: it is deferred until the
        operator has mended it.
        """
        letter = compose(delivery, self._sender)
        try:
            await self._hand_over(letter)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _judged(error.recipients[0].code) from None
        except aiosmtplib.SMTPDataError as error:
            raise _judged(error.code) from None
        except aiosmtplib.SMTPNotSupported:
            # RFC 6531; another try would find the same server.
            raise Refused("the server takes no address in this script (SMTPUTF8)") from None
        except ValueError:
            raise Refused("the address fits on no command line") from None
        except aiosmtplib.SMTPResponseException as error:
            raise Deferred(f"{type(error).__name__} {error.code}") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Deferred(type(error).__name__) from None

    async def _hand_over(self, letter: EmailMessage) -> None:
        client = aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.username or None,
            password=self._server.password or None,
            use_tls=self._server.tls,
            start_tls=self._server.starttls,
            local_hostname=socket.gethostname(),
        )
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect(timeout=self._timeout)
                await client.send_message(letter)
            # The mail is taken over: however the farewell goes, it changes nothing.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=self._timeout)
        finally:
            client.close()


def _judged(code: int) -> Exception:
    refused = code >= 500 and code not in _NOT_LET_IN
    return (Refused if refused else Deferred)(f"SMTP {code}")
