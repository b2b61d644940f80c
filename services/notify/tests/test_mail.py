"""Mails are sent once, none is lost, and what cannot be delivered ends."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from chassis.clock import SystemClock
from chassis.mongo import Document, Mongo
from chassis.testing.engines import Engines
from chassis.testing.eventually import eventually
from chassis.testing.issuer import Issuer
from chassis.testing.measured import measured
from chassis.testing.ports import free_port
from services.notify.app import deliver
from services.notify.domain.delivery import Delivery, State
from services.notify.settings import Settings
from services.notify.store.deliveries import COLLECTION, DeliveryStore
from services.notify.tests.house import opened, registered, settings_for
from services.notify.tests.postbox import Postbox

ROOT = Path(__file__).parents[3]


class Office:
    """The mails of one database, handed over by the command `deliver`: the same run that the process repeats."""

    def __init__(self, settings: Settings, mongo: Mongo) -> None:
        self.settings = settings
        self.collection = mongo.collection(COLLECTION)
        self.store = DeliveryStore(self.collection, settings.keep)

    async def queue(self, address: str = "ada@example.com") -> UUID:
        delivery = Delivery.welcome(uuid4(), uuid4(), "Ada", address, "example.com", "", SystemClock().now())
        await self.store.add(delivery)
        return delivery.id

    async def deliver(self, url: str, **changed: Any) -> None:
        await deliver(Settings(**{**self.settings.model_dump(), "smtp_url": url, **changed}))

    async def delivered(self, id: UUID, url: str, state: State, **changed: Any) -> Delivery:
        """The delivery after as many runs as it takes."""

        async def run() -> Delivery | None:
            await self.deliver(url, **changed)
            delivery = await self.store.load(id)
            return delivery if delivery.state is state else None

        delivery = await eventually(run, f"the delivery to be {state.value}")
        assert delivery is not None
        return delivery

    async def measures(self, url: str, count: int) -> None:
        """Assert that a run measures so many that wait. The gauge is the process's: other services here set it too."""

        async def run() -> bool:
            await self.deliver(url)
            return waiting() == count

        await eventually(run, f"{count} measured as waiting")

    async def documents(self) -> list[Document]:
        return await self.collection.find({}).to_list(None)


@pytest.fixture
async def office(engines: Engines, issuer: Issuer) -> AsyncIterator[Office]:
    settings = settings_for(engines, issuer)
    mongo = Mongo(settings, "notify")
    async with mongo:
        yield Office(settings, mongo)


async def test_a_mail_waits_for_a_server_that_is_away(engines: Engines, issuer: Issuer) -> None:
    port = free_port()
    async with opened(settings_for(engines, issuer, smtp_url=f"smtp://127.0.0.1:{port}"), issuer) as house:
        await house.publish(registered(uuid4(), email="ada@example.com"))

        async def attempts(state: str) -> int:
            return max((r["attempts"] for r in await house.documents(COLLECTION) if r["state"] == state), default=0)

        await eventually(lambda: attempts("queued"), "a first attempt")
        async with Postbox(port) as postbox:
            assert await eventually(lambda: attempts("sent"), "the mail to be sent") >= 2
        assert len(postbox.to("ada@example.com")) == 1


@pytest.mark.parametrize("answer", ["451 4.7.1 Greylisted, try again later", "421 4.3.2 Shutting down"])
async def test_a_deferred_mail_is_tried_again(office: Office, answer: str) -> None:
    answers = [answer, answer]
    async with Postbox(answer=lambda _: answers.pop() if answers else None) as postbox:
        delivery = await office.delivered(await office.queue(), postbox.url, State.SENT)
        assert delivery.attempts == 3
        assert len(postbox.mails) == 1


async def test_a_refused_mail_has_failed(office: Office) -> None:
    before = counted("failed")
    async with Postbox(answer=lambda to: f"550 5.1.1 <{to}> no such user") as postbox:
        id = await office.queue("nobody@example.com")
        with structlog.testing.capture_logs() as lines:
            delivery = await office.delivered(id, postbox.url, State.FAILED)
    assert (delivery.attempts, delivery.error) == (1, "SMTP 550")
    assert [line["event"] for line in lines if line.get("delivery") == str(id)] == ["delivery_failed"]
    assert "nobody@example.com" not in repr(lines)
    assert counted("failed") == before + 1


async def test_an_address_the_server_does_not_understand_has_failed(office: Office) -> None:
    async with Postbox() as without_smtputf8:
        delivery = await office.delivered(await office.queue("zoë@example.com"), without_smtputf8.url, State.FAILED)
    assert (delivery.attempts, delivery.error) == (1, "the server takes no address in this script (SMTPUTF8)")
    assert without_smtputf8.mails == []


@pytest.mark.parametrize("address", ["é@example.com", "üser@bücher.example", "ada@bücher.example", "用户@例子.广告"])
async def test_an_address_in_any_script_gets_its_mail_from_a_server_that_understands_it(
    office: Office, address: str
) -> None:
    async with Postbox(smtputf8=True) as postbox:
        await office.delivered(await office.queue(address), postbox.url, State.SENT)
    [mail] = postbox.to(address)
    assert mail["To"].addresses[0].addr_spec == address


@pytest.mark.parametrize(
    "address", ["", "ada", "@example.com", "ada@", "ada @example.com", "a\r\nBcc:b@example.com", "a@b@example.com"]
)
async def test_what_is_no_address_fails_without_asking_the_server(office: Office, address: str) -> None:
    async with Postbox(smtputf8=True) as postbox:
        delivery = await office.delivered(await office.queue(address), postbox.url, State.FAILED)
    assert (delivery.attempts, delivery.error) == (1, "the address is none")
    assert postbox.recipients == []


async def test_a_mail_that_is_always_deferred_fails_in_the_end(office: Office) -> None:
    async with Postbox(answer=lambda _: "452 4.2.2 Mailbox full") as postbox:
        delivery = await office.delivered(await office.queue(), postbox.url, State.FAILED, mail_max_attempts=3)
    assert (delivery.attempts, delivery.error) == (3, "SMTP 452")


async def test_what_is_over_is_forgotten_after_a_while(office: Office) -> None:
    async with Postbox() as postbox:
        await office.delivered(await office.queue(), postbox.url, State.SENT)
    [document] = await office.documents()
    assert document["forget_at"] - document["ended_at"] == timedelta(days=30 + 2 * 7)  # the log, and the topic twice
    assert "due_at" not in document


async def test_with_no_server_mails_stay_queued_until_there_is_one(office: Office) -> None:
    id = await office.queue()
    with structlog.testing.capture_logs() as lines:
        await office.deliver("")
    assert {"event": "deliveries_waiting", "waiting": 1, "setting": "SMTP_URL", "log_level": "warning"} in lines
    await office.measures("", 1)
    assert (await office.store.load(id)).attempts == 0
    async with Postbox() as postbox:
        await office.delivered(id, postbox.url, State.SENT)
        await office.measures(postbox.url, 0)
    assert len(postbox.mails) == 1


async def test_several_processes_send_each_mail_once(office: Office) -> None:
    addresses = [f"person-{number:02}@example.com" for number in range(40)]
    for address in addresses:
        await office.queue(address)
    async with Postbox() as postbox:
        await asyncio.gather(*(office.deliver(postbox.url) for _ in range(4)))
    assert sorted(to for tos in postbox.recipients for to in tos) == addresses
    assert {(record["state"], record["attempts"]) for record in await office.documents()} == {("sent", 1)}


async def test_a_mail_of_a_process_that_was_killed_is_sent_by_another(office: Office) -> None:
    id = await office.queue()
    async with Postbox() as silent, Postbox() as postbox:
        silent.may_answer.clear()
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'gen'}",
            "MONGO_URL": office.settings.mongo_url.get_secret_value(),
            "MONGO_DATABASE": office.settings.mongo_database,
            "SMTP_URL": silent.url,
            "MAIL_TIMEOUT": "1",
        }
        killed = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.notify", "deliver", env=environment, cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await eventually(lambda: silent.mails, "the mail to be under way", seconds=90)
        killed.send_signal(signal.SIGKILL)
        await killed.wait()
        left = await office.store.load(id)
        assert (left.state, left.attempts) == (State.SENDING, 1)
        assert left.due_at is not None
        assert await office.store.due(left.due_at - timedelta(milliseconds=1), 1) == []
        delivery = await office.delivered(id, postbox.url, State.SENT)
    assert delivery.attempts == 2
    [first], [second] = silent.mails, postbox.mails
    assert first["Message-ID"] == second["Message-ID"] == delivery.message_id
    assert first["Date"] == second["Date"]


async def test_a_server_that_falls_silent_is_left_in_time(office: Office) -> None:
    async with Postbox() as silent:
        silent.may_answer.clear()
        id = await office.queue()
        delivery = await office.delivered(id, silent.url, State.FAILED, mail_timeout=0.3, mail_max_attempts=2)
    assert (delivery.attempts, delivery.error) == (2, "TimeoutError")


async def test_a_mail_in_hand_is_finished_when_the_run_is_cut(office: Office) -> None:
    id = await office.queue()
    async with Postbox() as postbox:
        postbox.may_answer.clear()
        run = asyncio.create_task(office.deliver(postbox.url))
        await eventually(lambda: postbox.mails, "the mail to be under way")
        run.cancel()
        await asyncio.wait({run}, timeout=0.1)
        assert not run.done()
        postbox.may_answer.set()
        await asyncio.wait({run})
    delivery = await office.store.load(id)
    assert (delivery.state, delivery.attempts) == (State.SENT, 1)


async def test_a_process_does_not_wait_for_a_silent_server_when_it_leaves(office: Office) -> None:
    id = await office.queue()
    async with Postbox() as silent:
        silent.may_answer.clear()
        run = asyncio.create_task(office.deliver(silent.url, drain_timeout=0.1))
        await eventually(lambda: silent.mails, "the mail to be under way")
        run.cancel()
        await asyncio.wait({run}, timeout=10)
        assert run.done()
    assert (await office.store.load(id)).state is State.SENDING


async def test_a_success_after_the_lease_ran_out_counts(office: Office) -> None:
    """A process that slept through its lease, and then learns that the server has taken the mail."""
    id, now = await office.queue(), SystemClock().now()
    async with Postbox() as postbox:
        postbox.may_answer.clear()
        slept = asyncio.create_task(office.deliver(postbox.url))
        await eventually(lambda: postbox.mails, "the mail to be under way")
        another = await office.store.load(id)
        another.begin(now, timedelta(hours=1), 100)
        await office.store.save(another)
        postbox.may_answer.set()
        await slept
    delivery = await office.store.load(id)
    assert (delivery.state, delivery.attempts) == (State.SENT, 2)


@pytest.mark.parametrize(
    ("login", "state", "attempts"),
    [("mailer%40x:s3cret%2F%40@", State.SENT, 1), ("mailer%40x:wrong@", State.FAILED, 2), ("", State.FAILED, 2)],
)
async def test_a_server_may_ask_who_sends(office: Office, login: str, state: State, attempts: int) -> None:
    async with Postbox(login=("mailer@x", "s3cret/@")) as postbox:
        url = f"smtp://{login}127.0.0.1:{postbox.port}"
        delivery = await office.delivered(await office.queue(), url, state, mail_max_attempts=2)
    # Not being let in is the operator's to mend: it is tried again before it fails.
    assert delivery.attempts == attempts


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:{port}?starttls=1", "smtps://127.0.0.1:{port}"])
async def test_nothing_is_said_in_the_clear_when_encryption_is_asked_for(office: Office, url: str) -> None:
    async with Postbox() as plain:
        url = url.format(port=plain.port)
        id = await office.queue()
        delivery = await office.delivered(id, url, State.FAILED, mail_max_attempts=2, mail_timeout=2)
    assert delivery.attempts == 2
    assert plain.mails == []


def counted(outcome: str) -> float:
    labels = {"channel": "mail", "outcome": outcome}
    return measured("primetrade_deliveries_total", **labels) or 0.0


def waiting() -> float | None:
    return measured("primetrade_deliveries_waiting", channel="mail")
