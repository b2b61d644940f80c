"""A wrong setting stops the start and is named; its value is not repeated."""

import pytest

from chassis.settings import read_settings
from services.notify.settings import Settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SMTP_URL", "mail.example.com:25"),
        ("SMTP_URL", "http://mail.example.com"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail.example.com:port"),
        ("SMTP_URL", "smtp://mail.example.com:0"),
        ("SMTP_URL", "smtp://mail.example.com:70000"),
        ("SMTP_URL", "smtp://user@mail.example.com"),
        ("SMTP_URL", "smtp://:hunter2@mail.example.com"),
        ("SMTP_URL", "smtp://mail.example.com/path"),
        ("SMTP_URL", "smtp://mail.example.com?starttls=maybe"),
        ("SMTP_URL", "smtp://mail.example.com?startls=1"),
        ("SMTP_URL", "smtp://user:hunter2@mail.example.com?="),
        ("SMTP_URL", "smtps://mail.example.com?starttls=1"),
        ("SMTP_URL", "smtp://[::1"),
        ("MAIL_FROM", ""),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@example.com, b@example.com"),
        ("MAIL_FROM", "a@example.com\r\nBcc: b@example.com"),
        ("MAIL_FROM", "Zoë <zoe@example.com>"),
        ("MAIL_FROM", "Group: a@example.com;"),
        ("MAIL_EVERY", "0"),
        ("MAIL_CONNECTIONS", "0"),
        ("MAIL_TIMEOUT", "-1"),
        ("MAIL_MAX_ATTEMPTS", "many"),
        ("MAIL_FIRST_PAUSE", "0"),
        ("MAIL_LONGEST_PAUSE", "soon"),
        ("REMINDERS_EVERY", "0"),
        ("GRPC_PORT", "99999"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka"),
        ("MONGO_DRIVER", "mongoose"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as raised:
        read_settings(Settings)
    assert raised.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"setting {variable}: ")
    assert told.count("\n") == 1
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "starttls"),
    [
        ("smtp://mail.example.com", "mail.example.com", 25, False, False),
        ("smtp://127.0.0.1:1025/", "127.0.0.1", 1025, False, False),
        ("smtp://mail.example.com?starttls=1", "mail.example.com", 587, False, True),
        ("smtp://mail.example.com:2525?starttls=0", "mail.example.com", 2525, False, False),
        ("smtps://mail.example.com", "mail.example.com", 465, True, False),
        ("smtp://[::1]:25", "::1", 25, False, False),
    ],
)
def test_an_smtp_url_is_read(url: str, host: str, port: int, tls: bool, starttls: bool) -> None:
    server = Settings(smtp_url=url).smtp_server
    assert server is not None
    assert (server.host, server.port, server.tls, server.starttls) == (host, port, tls, starttls)


def test_user_and_password_of_an_smtp_url_are_decoded_and_hidden() -> None:
    settings = Settings(smtp_url="smtps://a%40b:p%2Fw%3A@mail.example.com")
    server = settings.smtp_server
    assert server is not None
    assert (server.username, server.password) == ("a@b", "p/w:")
    assert "p/w:" not in repr(server)
    assert "p%2Fw" not in repr(settings)


def test_with_no_smtp_url_there_is_no_server() -> None:
    assert Settings(smtp_url="").smtp_server is None


@pytest.mark.parametrize("mailbox", ["no-reply@example.com", '"Tasks, Inc." <mail@example.com>'])
def test_the_domain_of_the_sender_is_that_of_every_message_id(mailbox: str) -> None:
    assert Settings(mail_from=mailbox).mail_domain == "example.com"


def test_what_is_over_is_remembered_longer_than_events_are_kept() -> None:
    assert Settings(kafka_retention_hours=24).keep.days == 30 + 2
    assert Settings(kafka_retention_hours=24 * 365).keep.days == 30 + 730
