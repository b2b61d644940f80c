"""An SMTP sink that keeps every mail as a readable file: `python -m deploy.local.mailbox --port P --folder F`."""

import argparse
import asyncio
import contextlib
import os
import re
import signal
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_BYTES = 10 * 1024 * 1024
_READABLE = policy.SMTPUTF8.clone(cte_type="8bit", linesep="\n", refold_source="all")


class Mailbox:
    """Writes each mail to `<time>-<message id>.eml`: names sort by time, and a file is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002 - aiosmtpd's
        """Keep one mail. Texts are decoded, so that a person can read them in the file."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = message_from_bytes(content, policy=_READABLE)
        message["X-Envelope-From"] = envelope.mail_from or "<>"
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)
        path = self._folder / file_name(datetime.now(UTC), str(message["Message-ID"] or "no-id"))
        draft = path.with_suffix(f".{os.getpid()}.part")
        draft.write_bytes(_readable(message))
        draft.replace(path)
        print(f"mail from {envelope.mail_from} to {', '.join(envelope.rcpt_tos)}: {path.name}", flush=True)
        return "250 kept"


def file_name(at: datetime, message_id: str) -> str:
    """A name that sorts by time and can hold no path."""
    return f"{at:%Y%m%dT%H%M%S.%fZ}-{re.sub(r'[^A-Za-z0-9.@_-]+', '_', message_id.strip('<> '))[:120].lstrip('.')}.eml"


def _readable(message: EmailMessage) -> bytes:
    for part in message.walk():
        # A text in a character set that does not exist stays as it came.
        with contextlib.suppress(LookupError, ValueError):
            if part.get_content_maintype() == "text":
                part.set_content(part.get_content(), subtype=part.get_content_subtype(), cte="8bit")
    return message.as_bytes()


async def serve(port: int, folder: Path) -> None:
    """Take mails on 127.0.0.1 until SIGTERM."""
    loop, told, mailbox = asyncio.get_running_loop(), asyncio.Event(), Mailbox(folder)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", data_size_limit=MAX_BYTES, enable_SMTPUTF8=True), "127.0.0.1", port
    )
    print(f"mails to port {port} are kept in {folder}", flush=True)
    await told.wait()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.folder))
