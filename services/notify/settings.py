"""What the notify service reads from its environment."""

from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address, AddressHeader, HeaderRegistry
from typing import Annotated, cast

from pydantic import AfterValidator, Field, SecretStr

from chassis.settings import ServiceSettings
from services.notify.channels.server import SmtpServer


def _smtp_url(value: SecretStr) -> SecretStr:
    if url := value.get_secret_value():
        SmtpServer.parse(url)
    return value


def _mailbox(value: str) -> str:
    try:
        mailbox = _parsed(value)
    except (ValueError, IndexError, MessageError):
        mailbox = None
    if mailbox is None or not mailbox.username or not mailbox.domain or not value.isascii():
        raise ValueError("must be one mailbox: name@domain or Name <name@domain>")
    return value


def _parsed(value: str) -> Address | None:
    header = HeaderRegistry()("from", value)
    groups = cast(AddressHeader, header).groups
    if header.defects or len(groups) != 1 or groups[0].display_name is not None or len(groups[0].addresses) != 1:
        return None
    return groups[0].addresses[0]


class Settings(ServiceSettings):
    """The settings of the notify service."""

    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] = Field(
        default=SecretStr(""),
        description="smtp://[user:password@]host[:port][?starttls=1] or smtps://…; empty: mails stay queued",
    )
    mail_from: Annotated[str, AfterValidator(_mailbox)] = Field(
        default="PrimeTrade Tasks <no-reply@primetrade.example>", description="the sender of every mail"
    )
    mail_every: float = Field(default=1, gt=0, description="seconds between two looks for mails to send")
    mail_connections: int = Field(default=4, ge=1, description="mails a process hands over at once")
    mail_timeout: float = Field(default=30, gt=0, description="seconds an attempt at a mail may take")
    mail_max_attempts: int = Field(default=100, ge=1, description="two days, with the longest pause of an hour")
    mail_first_pause: float = Field(default=2, gt=0, description="seconds; doubled at each attempt, drawn at random")
    mail_longest_pause: float = Field(default=3600, gt=0, description="seconds")
    reminders_every: float = Field(default=60, gt=0, description="seconds between two looks for tasks due within a day")

    @property
    def smtp_server(self) -> SmtpServer | None:
        """Where mails go; None when they stay queued."""
        url = self.smtp_url.get_secret_value()
        return SmtpServer.parse(url) if url else None

    @property
    def mail_domain(self) -> str:
        """The domain of the sender, and of every Message-ID."""
        mailbox = _parsed(self.mail_from)
        return mailbox.domain if mailbox else ""

    @property
    def mail_lease(self) -> timedelta:
        """How long an attempt may hold a delivery: its time, that of the farewell, and as much for the rest."""
        return timedelta(seconds=3 * self.mail_timeout)

    @property
    def keep(self) -> timedelta:
        """How long what is over is remembered: longer than any event can be delivered again. One may be published anew
        from the log at its end, and then be read until the topic lets it go."""
        return timedelta(days=self.event_log_days) + 2 * timedelta(hours=self.kafka_retention_hours)
