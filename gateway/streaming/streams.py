"""All streams of a process: who is told what, who may open one, and when it ends."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from google.protobuf.message import DecodeError

from chassis.background import Background
from chassis.clock import Clock
from chassis.errors import Exhausted, Unauthenticated, Unavailable
from chassis.events.envelope import Event, Undecodable, read_event
from chassis.identity import Principal
from chassis.telemetry import metrics
from gateway.deny_list import DenyList
from gateway.settings import Settings
from gateway.streaming.cursor import Cursor
from gateway.streaming.frames import BREATH, OPENING, beat, identified, text_of
from gateway.streaming.stream import End, Reset, Stream
from gateway.streaming.window import Window
from gateway.translate.events import told_by

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
LAST_WORDS_SECONDS = 1.0
"""How long a client has to take its last words, before its connection is closed without them."""
FULL_SECONDS = 10.0
"""After which a client that found no room may ask again."""
OVERLAP = timedelta(seconds=60)
"""How far the clocks of two machines may differ."""


class Streams(Background):
    """Component: gives every stream its owner's events. It is the audience of the one reader.

    Leaving it ends all streams: it stands behind the HTTP server, which would wait for them.
    """

    name = "streams"

    def __init__(
        self,
        settings: Settings,
        deny_list: DenyList,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._deny_list, self._clock, self._monotonic = settings, deny_list, clock, monotonic
        self._window = self._empty({})
        self._began = False
        self._whole_at = float("-inf")
        self._since: datetime | None = None
        self._streams: dict[str, set[Stream]] = defaultdict(set)
        self._waiting: set[Stream] = set()
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._closed = False

    def __len__(self) -> int:
        return self._count

    @property
    def reading(self) -> bool:
        """Whether the log is read, from as long ago as clients may come back for."""
        return self._whole_at > float("-inf")

    def open(self, principal: Principal, cursor: Cursor | None, abort: Callable[[], None]) -> Stream:
        """A stream of the principal's events, from the cursor on, else from now on.

        Raises Unavailable when the process has no room or stops, Exhausted when the principal has too many. Until it is
        known whether the cursor can be served, nothing is told; in the end it may be a reset.
        """
        if self._closed or self._count >= self._settings.event_stream_limit:
            raise Unavailable(f"{self._count} streams are open", FULL_SECONDS)
        if len(self._streams.get(principal.subject, ())) >= (most := self._settings.event_stream_limit_per_person):
            raise Exhausted(f"A person may have {most} streams open at a gateway.", FULL_SECONDS)
        now = self._monotonic()
        stream = Stream(principal, self._settings.event_stream_queue_bytes, abort, now)
        stream.offer(OPENING, now)
        self._streams[stream.owner].add(stream)
        self._count += 1
        self._none.clear()
        metrics.event_streams.inc()
        stream.awaited = cursor
        self._waiting.add(stream)
        if not self._settled(stream):
            stream.reset = Reset.LATE if cursor is None else None
        return stream

    def leave(self, stream: Stream) -> None:
        """The stream is over, for the reason it has; without one its client has left."""
        stream.finish(End.LEFT)
        streams = self._streams[stream.owner]
        streams.remove(stream)
        if not streams:
            del self._streams[stream.owner]
        self._waiting.discard(stream)
        self._count -= 1
        if not self._count:
            self._none.set()
        metrics.event_streams.dec()
        metrics.event_streams_ended.labels((stream.end or End.LEFT).value).inc()

    def begins(self, positions: Mapping[TopicPartition, int]) -> None:
        if self._began:
            # What happened before, everybody reads again by REST. A broker that lost its log gets all of it once more.
            self._since = self._clock.now() - OVERLAP
            for stream in self._all():
                stream.awaited, stream.reset = None, Reset.LOST
                self._waiting.add(stream)
        self._window, self._began = self._empty(positions), True
        self._whole_at = float("-inf")

    def hear(self, record: ConsumerRecord) -> None:
        owner, text = self._told(record)
        now = self._monotonic()
        self._window.add(record, owner, text, now)
        streams = self._streams.get(owner)
        if not streams or not owner:
            return
        frame = identified(self._window.cursor, text)
        for stream in streams - self._waiting:
            if stream.offer(frame, now):
                metrics.event_stream_events.inc()

    def knows(self, record: ConsumerRecord) -> bool:
        return self._window.knows(record)

    def caught_up(self, until: float) -> None:
        self._whole_at = max(self._whole_at, until)
        self._settle()

    async def __aexit__(self, *error: object) -> None:
        self._closed = True
        await super().__aexit__(*error)
        for stream in self._all():
            self._finish(stream, End.SHUTDOWN)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._none.wait()
        for stream in self._all():
            stream.abort()

    async def _run(self) -> None:
        while True:
            self._tick()
            await asyncio.sleep(TICK_SECONDS)

    def _tick(self) -> None:
        now, moment = self._monotonic(), self._clock.now()
        self._window.forget(now)
        metrics.event_reader_age.set(now - self._whole_at)
        self._settle()
        silent_since = now - self._settings.event_stream_heartbeat
        frame = b""
        for stream in self._all():
            if stream.end is not None:
                if stream.said_at + LAST_WORDS_SECONDS < now:
                    stream.abort()
            elif (end := self._over(stream, moment)) is not None:
                self._finish(stream, end)
            elif stream.said_at <= silent_since:
                frame = frame or beat(self._window.cursor)
                stream.offer(BREATH if stream in self._waiting else frame, now)

    def _over(self, stream: Stream, moment: datetime) -> End | None:
        if stream.expires_at <= moment:
            return End.TOKEN_EXPIRED
        try:
            self._deny_list.check(stream.session)
        except Unauthenticated:
            return End.SESSION_ENDED
        except Unavailable:
            return End.UNAVAILABLE
        return None

    def _finish(self, stream: Stream, end: End) -> None:
        if stream.end is None:
            stream.said_at = self._monotonic()
            stream.finish(end, text_of("end", {"reason": end.value}))

    def _settle(self) -> None:
        for stream in [*self._waiting]:
            self._settled(stream)

    def _settled(self, stream: Stream) -> bool:
        """Let a stream go on that waits, if it is known from where."""
        if stream.end is not None:
            self._waiting.discard(stream)
            return True
        window, now = self._window, self._monotonic()
        if not self.reading:
            return False
        if stream.awaited is not None and stream.reset is None:
            held = window.holds(stream.awaited)
            # Another gateway may be ahead: what it told is heard here soon, unless it is in no log of ours.
            if held is None and self._whole_at < stream.opened:
                return False
            if held:
                for cursor, text in window.after(stream.awaited, stream.owner):
                    stream.catch_up(identified(cursor, text), now)
                    metrics.event_stream_events.inc()
            else:
                stream.reset = Reset.GONE
        if stream.reset is not None:
            metrics.event_stream_resets.labels(stream.reset.value).inc()
            stream.offer(identified(window.cursor, text_of("reset", {"reason": stream.reset.value})), now)
        else:
            stream.offer(beat(window.cursor), now)
        stream.awaited = stream.reset = None
        self._waiting.discard(stream)
        return True

    def _empty(self, positions: Mapping[TopicPartition, int]) -> Window:
        return Window(positions, self._settings.event_stream_seconds, self._settings.event_stream_window_bytes)

    def _told(self, record: ConsumerRecord) -> tuple[str, bytes]:
        """Whose event the record is, and what they are told. What is no event for the stream has no owner."""
        try:
            event = read_event(record.headers, record.value)
            told = None if self._past(event) else told_by(event)
        except (Undecodable, DecodeError, KeyError, ValueError, OverflowError) as error:
            log.warning("event_not_told", topic=record.topic, offset=record.offset, error=repr(error))
            return "", b""
        return ("", b"") if told is None else (told.owner, text_of(told.name, told.document))

    def _past(self, event: Event) -> bool:
        return self._since is not None and event.time < self._since

    def _all(self) -> Iterator[Stream]:
        return iter([stream for streams in self._streams.values() for stream in streams])
