"""The mail sink keeps every mail as a file that a person can read."""

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from chassis.testing.engines import running
from chassis.testing.ports import free_port
from deploy.local.mailbox import file_name
from deploy.local.programs import suite_programs
from deploy.local.settings import LocalSettings


async def test_keeps_a_mail_readable(tmp_path: Path) -> None:
    base = free_port()
    settings = LocalSettings(data_dir=tmp_path, port_base=base - 2, gateway_port=1)
    command = next(program.command for program in suite_programs(settings) if program.name == "mail")
    mail = EmailMessage()
    mail["From"], mail["To"] = "tasks@example.com", "zoë@example.com"
    mail["Subject"], mail["Message-ID"] = "Grüße", "<../../etc/passwd@example.com>"
    mail.set_content("Schöne Grüße", cte="base64")
    mail.add_alternative("<p>Schöne Grüße</p>", subtype="html", cte="base64")
    with running(command, tmp_path / "log", base):
        await aiosmtplib.send(
            mail, hostname="127.0.0.1", port=base, sender="tasks@example.com", recipients=["zoe@example.com"]
        )
    (path,) = (tmp_path / "mail").iterdir()
    text = path.read_text()
    assert path.name.endswith("Z-_.._etc_passwd@example.com.eml")
    assert "Subject: Grüße" in text
    assert "\nSchöne Grüße\n" in text
    assert "<p>Schöne Grüße</p>" in text
    assert "X-Envelope-To: zoe@example.com" in text


@pytest.mark.parametrize(
    ("message_id", "name"),
    [
        ("<a.1@example.com>", "a.1@example.com"),
        ("<../../x y@z>", "_.._x_y@z"),
        ("", ""),
    ],
)
def test_file_names_sort_by_time_and_hold_no_path(message_id: str, name: str) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert file_name(at, message_id) == f"20260102T030405.000006Z-{name}.eml"
