"""A person registers and is welcomed, in the inbox and by mail."""

from dataclasses import replace
from uuid import uuid4

import pytest
import structlog
from aiokafka import ConsumerRecord
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from primetrade.auth.v1.auth_pb2 import Account
from primetrade.auth.v1.events_pb2 import AccountRegistered
from primetrade.notify.v1 import events_pb2

from chassis.events.consuming.deadletter import DeadLetters, Story
from chassis.telemetry.traces import Tracing
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from services.notify.domain.derivation import derived_id
from services.notify.tests.house import WELCOME, House, opened, registered, settings_for
from services.notify.tests.postbox import Postbox


async def test_a_new_person_finds_a_welcome_in_the_inbox(house: House) -> None:
    person = uuid4()
    await house.publish(registered(person, name="Ada"))
    [entry] = await house.arrived(person)
    assert entry.type == WELCOME
    assert entry.owner_id == str(person)
    assert entry.body == "Hello Ada, your account is ready."
    assert not entry.read
    assert not entry.HasField("read_time")
    assert entry.task_id == ""
    assert entry.etag
    [created] = await house.published(entry.id, 1)
    message = created.message()
    assert isinstance(message, events_pb2.NotificationCreated)
    assert message.notification == entry
    assert created.sequence == 1


async def test_a_new_person_gets_one_mail_with_text_and_html(house: House, postbox: Postbox) -> None:
    person = uuid4()
    address = f"{person.hex}@example.com"
    event = registered(person, name="Grace Hopper", email=address)
    await house.publish(event)
    [mail] = await eventually(lambda: postbox.to(address), "the mail")
    assert mail["From"] == "PrimeTrade Tasks <no-reply@primetrade.example>"
    assert mail["To"] == address
    assert mail["Subject"] == "Welcome to PrimeTrade Tasks"
    assert mail["Message-ID"] == f"<{derived_id('welcome-mail', event.id)}@primetrade.example>"
    assert mail["Date"].datetime.tzinfo is not None
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert "Hello Grace Hopper," in text.get_content()
    assert html.get_content_type() == "text/html"
    assert "<p>Hello Grace Hopper,</p>" in html.get_content()


async def test_a_repeated_registration_welcomes_once(house: House, postbox: Postbox) -> None:
    person = uuid4()
    address = f"{person.hex}@example.com"
    event = registered(person, email=address)
    await house.publish(event, event)
    await eventually(lambda: postbox.to(address), "the mail")
    await house.publish(event)
    await house.handled(event)
    [entry] = await house.inbox(person)
    record = await house.document("deliveries", derived_id("welcome-mail", event.id))
    assert record is not None
    assert (record["state"], record["attempts"]) == ("sent", 1)
    assert len(postbox.to(address)) == 1
    assert len(await house.published(entry.id, 1)) == 1


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "Eve\r\nBcc: victim@example.com\r\n\r\nbody",
        "Eve\nX-Injected: yes",
        "{{ 7 * 7 }} {% raw %}",
        "\u202eevE\u2028 Zoë 💥",
        '"; <eve@example.com>',
        "x" * 5_000,
        "",
    ],
)
async def test_no_name_breaks_a_mail(house: House, postbox: Postbox, name: str) -> None:
    person = uuid4()
    address = f"{person.hex}@example.com"
    await house.publish(registered(person, name=name, email=address))
    [mail] = await eventually(lambda: postbox.to(address), "the mail")
    assert sorted(mail.keys()) == sorted(
        ["Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    assert mail["To"] == address
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "<script>" not in html
    assert "49" not in text + html
    assert len(text.splitlines()) == 5
    [entry] = await house.arrived(person)
    assert len(entry.body) < 120
    assert "\n" not in entry.body


@pytest.mark.parametrize(
    "address",
    [
        "eve@example.com\r\nBcc: victim@example.com",
        "eve@example.com>\r\nRCPT TO:<victim@example.com",
        "eve@example.com, victim@example.com",
        "Eve <eve@example.com>",
        "no-at-sign",
        "@example.com",
        "eve@",
        "",
        "e v e@example.com",
    ],
)
async def test_what_is_no_address_gets_no_mail(house: House, postbox: Postbox, address: str) -> None:
    person, before = uuid4(), len(postbox.mails)
    event = registered(person, email=address)
    await house.publish(event)

    async def ended() -> bool:
        record = await house.document("deliveries", derived_id("welcome-mail", event.id))
        return record is not None and record["state"] == "failed"

    await eventually(ended, "the delivery to fail")
    assert not any("eve" in to or "victim" in to for tos in postbox.recipients[before:] for to in tos)


async def test_a_registration_of_nobody_is_put_aside(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    aside: list[Story] = []
    put = DeadLetters.put

    async def seen(self: DeadLetters, record: ConsumerRecord, story: Story) -> None:
        aside.append(story)
        await put(self, record, story)

    monkeypatch.setattr(DeadLetters, "put", seen)
    broken = replace(registered(uuid4()), data=AccountRegistered(account=Account(id="no")).SerializeToString())
    await house.publish(broken)
    await house.handled(broken)
    [story] = aside
    assert "'no' is no id" in story.reason


async def test_logs_hold_no_address_and_no_name(house: House, postbox: Postbox) -> None:
    person = uuid4()
    address = f"{person.hex}@example.com"
    with structlog.testing.capture_logs() as lines:
        event = registered(person, name="Secretive", email=address)
        await house.publish(event)
        sent = {"event": "delivery_sent", "delivery": str(derived_id("welcome-mail", event.id)), "attempts": 1}
        await eventually(lambda: [line for line in lines if sent.items() <= line.items()], "the log line")
    assert postbox.to(address)
    assert address not in repr(lines)
    assert "Secretive" not in repr(lines)


async def test_the_mail_continues_the_trace_of_the_registration(
    engines: Engines, issuer: Issuer, postbox: Postbox
) -> None:
    exporter, person = InMemorySpanExporter(), uuid4()
    address = f"{person.hex}@example.com"
    settings = settings_for(engines, issuer, smtp_url=postbox.url)
    async with Tracing(settings, "notify", exporter), opened(settings, issuer) as house:
        traceparent = f"00-{uuid4().hex}-00f067aa0ba902b7-01"
        await house.publish(registered(person, email=address, traceparent=traceparent))
        await eventually(lambda: postbox.to(address), "the mail")
    names = {
        span.name
        for span in exporter.get_finished_spans()
        if span.context is not None and f"{span.context.trace_id:032x}" == traceparent.split("-")[1]
    }
    assert {"process primetrade.auth.v1.AccountRegistered", "send mail"} <= names
