"""Where the command line finds dead letters: with the services, by gRPC, or on the broker when a service is down."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Protocol

from primetrade.events.v1 import dead_letters_pb2 as pb
from primetrade.events.v1 import dead_letters_pb2_grpc as grpc_pb
from pydantic import Field, SecretStr

from chassis.errors import NotFound
from chassis.events.deadletters.letter import LetterId, in_full, service_of, summary
from chassis.events.deadletters.reading import RESOURCE, Reader
from chassis.rpc.client import ServiceChannel, bearer
from chassis.settings import Settings, Target

SERVICE = pb.DESCRIPTOR.services_by_name["DeadLettersService"].full_name
CALL_SECONDS = 28.0
SERVICES = ("auth", "users", "notify")
"""The services that consume events."""


class OperatorSettings(Settings):
    """What the command reads from the environment: where services and broker are, and who asks."""

    auth_target: Target = "127.0.0.1:9110"
    users_target: Target = "127.0.0.1:9120"
    notify_target: Target = "127.0.0.1:9140"
    token: SecretStr = Field(default=SecretStr(""), description="an access token with the role operator")
    token_file: Path | None = Field(default=None, description="a file that holds it instead")

    @property
    def targets(self) -> Mapping[str, str]:
        """Where each of SERVICES is."""
        return dict(zip(SERVICES, (self.auth_target, self.users_target, self.notify_target), strict=True))

    def operator_token(self) -> str:
        """The token; empty when none was given. Raises OSError when its file cannot be read."""
        return self.token_file.read_text().strip() if self.token_file else self.token.get_secret_value()


class Source(Protocol):
    """Who can be asked for the dead letters of a service. Every method raises chassis.errors.Error or RpcFailed."""

    def letters(self, service: str, topic: str, outstanding: bool) -> AsyncGenerator[pb.DeadLetter, None]:
        """The letters of a service; of one topic alone unless that is empty."""
        ...

    async def get(self, id: LetterId) -> pb.DeadLetter:
        """One in full. Raises NotFound."""
        ...


class Services:
    """The services, each asked with the operator's token. Async context manager."""

    def __init__(self, settings: OperatorSettings, token: str) -> None:
        self._settings, self._metadata = settings, bearer(token)
        self._stack = AsyncExitStack()
        self._stubs: dict[str, grpc_pb.DeadLettersServiceAsyncStub] = {}

    async def __aenter__(self) -> "Services":
        for name, target in self._settings.targets.items():
            channel = ServiceChannel(target, SERVICE, CALL_SECONDS, {"ListDeadLetters", "GetDeadLetter"})
            self._stubs[name] = grpc_pb.DeadLettersServiceStub(await self._stack.enter_async_context(channel))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def letters(self, service: str, topic: str, outstanding: bool) -> AsyncGenerator[pb.DeadLetter, None]:
        request = pb.ListDeadLettersRequest(topic=topic, outstanding=outstanding)
        while True:
            page = await self._stub(service).ListDeadLetters(request, metadata=self._metadata)
            for letter in page.dead_letters:
                yield letter
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get(self, id: LetterId) -> pb.DeadLetter:
        return await self._stub(id.service).GetDeadLetter(pb.GetDeadLetterRequest(id=str(id)), metadata=self._metadata)

    async def redrive(self, id: LetterId) -> AsyncGenerator[pb.DeadLetter, None]:
        """One more attempt at a letter; with its outcome."""
        request = pb.RedriveDeadLetterRequest(id=str(id))
        yield await self._stub(id.service).RedriveDeadLetter(request, metadata=self._metadata)

    async def redrive_all(self, service: str, topic: str) -> AsyncGenerator[pb.DeadLetter, None]:
        """One more attempt at every outstanding letter, a few at a time; each with its outcome."""
        request = pb.RedriveDeadLettersRequest(topic=topic)
        while True:
            page = await self._stub(service).RedriveDeadLetters(request, metadata=self._metadata)
            for letter in page.dead_letters:
                yield letter
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def purge(self, topic: str, before: int | None, force: bool) -> pb.PurgeDeadLettersResponse:
        """Delete letters of a topic, or count them."""
        request = pb.PurgeDeadLettersRequest(topic=topic, before_offset=before, force=force)
        return await self._stub(service_of(topic)).PurgeDeadLetters(request, metadata=self._metadata)

    def _stub(self, service: str) -> "grpc_pb.DeadLettersServiceAsyncStub":
        if service not in self._stubs:
            raise NotFound("service", service)
        return self._stubs[service]


class Broker:
    """The broker alone: it knows nothing of redrives, so every letter is outstanding to it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def letters(self, service: str, topic: str, outstanding: bool) -> AsyncGenerator[pb.DeadLetter, None]:  # noqa: ARG002
        prefix = f"{self._settings.kafka_prefix}."
        async with Reader.connected(self._settings) as reader:
            mine = [name for name in await reader.topics() if name.startswith(prefix) and service_of(name) == service]
            for name in mine:
                if topic not in ("", name, name.removesuffix(f".{service}.dlq")):
                    continue
                async with aclosing(reader.chunks(name, 0)) as chunks:
                    async for chunk in chunks:
                        for record in chunk:
                            yield summary(record)

    async def get(self, id: LetterId) -> pb.DeadLetter:
        async with Reader.connected(self._settings) as reader:
            if id.topic not in await reader.topics():
                raise NotFound(RESOURCE, str(id))
            return in_full(await reader.letter(id))
