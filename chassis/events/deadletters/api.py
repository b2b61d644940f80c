"""The gRPC servicer of primetrade.events.v1.DeadLettersService: translates, and does nothing else."""
# ruff: noqa: N802, ARG002 - gRPC names its methods and gives each a context

from collections.abc import Mapping, Sequence

from google.protobuf.message import Message
from primetrade.events.v1 import dead_letters_pb2 as pb
from primetrade.events.v1.dead_letters_pb2_grpc import (
    DeadLettersServiceServicer,
    add_DeadLettersServiceServicer_to_server,
)

from chassis.checks import Checks
from chassis.clock import Clock
from chassis.events.consuming.dispatch import Dispatch
from chassis.events.consuming.handler import Handler
from chassis.events.deadletters.letter import LetterId
from chassis.events.deadletters.memory import Memory
from chassis.events.deadletters.office import DeadLetterOffice, Page, Scope
from chassis.events.topics import Topic
from chassis.identity import current_principal
from chassis.mongo import Mongo
from chassis.rpc.concerns import Access, Context
from chassis.rpc.server import Service
from chassis.settings import Settings

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["DeadLettersService"]
PAGE_SIZE, MAX_PAGE_SIZE = 50, 200
REDRIVE_SECONDS = 20.0
"""The deadline of a redrive: an operator waits for it."""
_TOPIC_CHARACTERS = 249  # Kafka's own limit


class DeadLettersApi(DeadLettersServiceServicer):
    """Each method acts for an operator."""

    def __init__(self, office: DeadLetterOffice) -> None:
        self._office = office

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Context) -> pb.ListDeadLettersResponse:
        scope, size = self._wanted(request)
        page = await self._office.page(scope, size, request.outstanding)
        return pb.ListDeadLettersResponse(dead_letters=page.letters, next_page_token=_token(page))

    async def GetDeadLetter(self, request: pb.GetDeadLetterRequest, context: Context) -> pb.DeadLetter:
        return (await self._office.get(_id(request.id))).message(full=True)

    async def RedriveDeadLetter(self, request: pb.RedriveDeadLetterRequest, context: Context) -> pb.DeadLetter:
        return (await self._office.redrive(_id(request.id), current_principal().subject)).message()

    async def RedriveDeadLetters(
        self, request: pb.RedriveDeadLettersRequest, context: Context
    ) -> pb.RedriveDeadLettersResponse:
        scope, size = self._wanted(request)
        page = await self._office.redrive_page(scope, size, current_principal().subject)
        return pb.RedriveDeadLettersResponse(dead_letters=page.letters, next_page_token=_token(page))

    async def PurgeDeadLetters(
        self, request: pb.PurgeDeadLettersRequest, context: Context
    ) -> pb.PurgeDeadLettersResponse:
        before = request.before_offset if request.HasField("before_offset") else None
        with Checks() as check:
            check("topic", _given, request.topic)
            check("before_offset", _not_negative, before or 0)
        purged = await self._office.purge(self._topic(request.topic), before, request.force)
        return pb.PurgeDeadLettersResponse(purge_count=purged.count, low_offset=purged.low, hidden=purged.hidden)

    def _wanted(self, request: pb.ListDeadLettersRequest | pb.RedriveDeadLettersRequest) -> tuple[Scope, int]:
        """Which letters are asked for, and how many. Raises Invalid with all that is wrong, NotFound for the topic."""
        topics = [self._topic(request.topic)] if request.topic else self._office.topics

        def start(token: str) -> LetterId | None:
            id = LetterId.parse(token) if token else None
            if id is not None and id.topic not in topics:
                raise ValueError("belongs to another list")
            return id

        with Checks() as check:
            size = check("page_size", _page_size, request.page_size)
            scope = Scope(topics, check("page_token", start, request.page_token))
        return scope, size

    def _topic(self, name: str) -> str:
        # Cut: errors travel in headers, which have little room.
        return self._office.topic(name[:_TOPIC_CHARACTERS])


def dead_letters_service(
    settings: Settings,
    service: str,
    topics: Sequence[Topic],
    handlers: Mapping[type[Message], Handler],
    mongo: Mongo,
    clock: Clock,
) -> Service:
    """What a service with these handlers serves to operators, beside its own methods. Needs memory.INDEXES."""
    dispatch, memory = Dispatch(handlers, REDRIVE_SECONDS), Memory(settings, mongo, clock)
    office = DeadLetterOffice(settings, service, topics, dispatch, memory, clock)
    access = {method.name: Access.OPERATOR for method in DESCRIPTOR.methods}
    return Service(DESCRIPTOR, add_DeadLettersServiceServicer_to_server, DeadLettersApi(office), access)


def _id(text: str) -> LetterId:
    with Checks() as check:
        return check("id", LetterId.parse, text)


def _token(page: Page) -> str:
    return str(page.next) if page.next is not None else ""


def _page_size(size: int) -> int:
    return min(_not_negative(size) or PAGE_SIZE, MAX_PAGE_SIZE)


def _not_negative(number: int) -> int:
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _given(text: str) -> str:
    if not text:
        raise ValueError("is required")
    return text
