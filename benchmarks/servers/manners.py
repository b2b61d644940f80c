"""What each server makes of what it should not, by itself and without the gateway's application behind it."""

import asyncio
import contextlib
import re
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from hyperframe.frame import DataFrame, Frame, SettingsFrame

from benchmarks.servers.app import SLOW_SECONDS
from benchmarks.servers.arms import Arm, Server, running
from benchmarks.servers.client import asking as asking_often
from gateway.http2.either import PREFACE
from gateway.tests.frames import Fields, Peer, asking, meeting
from gateway.tests.malformed import GET, READ, REFUSED
from gateway.tests.malformed_http2 import BROKEN, FLOODS, MALFORMED, head, heads

Manners = Mapping[str, str]

_OK = re.compile(rb"HTTP/1\.1 200 ")
_FOLLOWING = b"GET /following HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_SECONDS = 3.0
"""So long an answer is waited for here: a server that says nothing keeps the connection open."""
_AT_ONCE = 16
_HALF_A_HEAD_SECONDS = 35.0
_DANGEROUS = (
    "a length and chunks",
    "one length twice",
    "two lengths",
    "chunks in HTTP/1.0",
    "gzip in chunks",
    "chunked after identity",
    "a space after a size",
    "an extension with NUL",
    "a folded header",
    "bare LFs",
    "NUL in a value",
    "two Hosts",
    "no Host",
    "an overlong value",
    "too many headers",
)
"""Of the malformed requests those that the page names when an application gets them; results.json has all."""


async def all_of(arms: Sequence[Arm]) -> dict[str, Manners]:
    """Every finding about the servers, in words, by their names."""
    halves = await asyncio.gather(*(_half_a_head(arm) for arm in arms))
    found: dict[str, Manners] = {}
    for arm, half in zip(arms, halves, strict=True):
        found[arm.name] = {**await _asked(arm), "half a head": half, "SIGTERM": await _stop(arm)}
        print(f"{arm.name}: {found[arm.name]}", flush=True)
    return found


async def _asked(arm: Arm) -> Manners:
    async with running(arm) as server:
        return await (_http2(server) if arm.h2 else _http1(server))


async def _http1(server: Server) -> dict[str, str]:
    rows: dict[str, tuple[bytes, int]] = {
        **{name: (sent, int(status in (200, 405))) for name, (sent, status) in REFUSED.items()},
        **{
            name: (sent, 1 + len([status for status in statuses if status != 100]))
            for name, (sent, statuses) in READ.items()
        },
    }
    gate = asyncio.Semaphore(_AT_ONCE)

    async def heard(sent: bytes) -> int:
        async with gate:
            return len(_OK.findall(await _answered(server, sent + _FOLLOWING)))

    counts = await asyncio.gather(*(heard(sent) for sent, _ in rows.values()))
    wrong = [name for (name, (_, expected)), count in zip(rows.items(), counts, strict=True) if count != expected]
    more = [name for name in wrong if counts[list(rows).index(name)] > rows[name][1]]
    return {
        "rows": f"{len(rows) - len(wrong)} of {len(rows)}",
        "heard too much": f"{len(more)}: {_list([name for name in _DANGEROUS if name in more])}",
        "all heard too much": _list(more),
    }


async def _answered(server: Server, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    came = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        writer.write(sent)
        async with asyncio.timeout(_SECONDS):
            while data := await reader.read(65_536):
                came += data
    writer.close()
    return came


async def _http2(server: Server) -> dict[str, str]:
    fates = await asyncio.gather(*(_fate(server, fields) for fields, _ in MALFORMED.values()))
    heard = [name for name, fate in zip(MALFORMED, fates, strict=True) if fate == "served"]
    return {
        "fields in doubt": f"{fates.count('refused')} refused alone, {fates.count('ended')} with their connection, "
        f"{len(heard)} served",
        "all that were served": _list(heard),
        "broken frames": await _broken(server),
        "floods": await _floods(server),
        "data after the answer": await _data_after_the_answer(server),
        "2,000 requests of a connection": await _thousands(server),
    }


async def _fate(server: Server, fields: Fields) -> str:
    async with meeting(server.origin) as peer:
        peer.send(*heads(1, fields), head(3, "END_STREAM", fields=asking()))
        await _within(peer, 1, 3)
        if peer.answers[1].status == 200:
            return "served"
        return "refused" if peer.answers[3].status == 200 else "ended"


async def _within(peer: Peer, *streams: int) -> None:
    """Until the streams are answered or reset, the connection is closed, or time is up."""

    def done() -> bool:
        answers = [peer.answers[stream] for stream in streams]
        return peer.closed or all(each.ended or each.reset is not None for each in answers)

    with contextlib.suppress(TimeoutError, AssertionError):
        async with asyncio.timeout(_SECONDS):
            await peer.until(done)


async def _broken(server: Server) -> str:
    async def ends(frames: Sequence[Frame | bytes]) -> bool:
        async with meeting(server.origin) as peer:
            with contextlib.suppress(TimeoutError, ConnectionError, IndexError):
                peer.send(*frames)
                async with asyncio.timeout(_SECONDS):
                    await peer.end()
            return bool(peer.goaways or peer.closed or any(each.reset is not None for each in peer.answers.values()))

    ended = sum(await asyncio.gather(*(ends(frames) for frames, _ in BROKEN.values())))
    return f"{ended} of {len(BROKEN)} end in GOAWAY, a reset or a close"


async def _floods(server: Server) -> str:
    passed = []
    for name, frames in FLOODS.items():
        async with meeting(server.origin) as peer:
            flood = [frame.serialize() for number in range(20_000) for frame in frames(number)]
            began = server.cpu()
            with contextlib.suppress(TimeoutError, ConnectionError, IndexError):
                peer.send(*flood)
                async with asyncio.timeout(2 * _SECONDS):
                    await peer.end()
            if not peer.goaways and not peer.closed:
                passed.append(f"{name} ({server.cpu() - began:.1f} s of CPU)")
    return f"{len(FLOODS) - len(passed)} of {len(FLOODS)} sent away" + (f"; borne: {_list(passed)}" if passed else "")


async def _data_after_the_answer(server: Server) -> str:
    """A body is still coming when its answer is there: what becomes of the request beside it?"""
    async with meeting(server.origin) as peer:
        peer.ask(1, asking("/slow"))
        peer.send(head(3, fields=asking("/early", "POST")))
        await peer.until(lambda: peer.answers[3].ended)
        peer.send(DataFrame(3, b"x"))
        await _within(peer, 1)
        return "the other is answered" if peer.answers[1].status == 200 else "the other is lost"


async def _thousands(server: Server) -> str:
    async with AsyncExitStack() as stack:
        ask = await asking_often(server.port, True, stack)
        try:
            async with asyncio.timeout(10 * _SECONDS):
                answered = await ask(2_000)
        except Exception as error:  # whatever becomes of the connection is the finding
            return f"{type(error).__name__} on the way"
        return f"{answered} answered"


async def _half_a_head(arm: Arm) -> str:
    async with running(arm) as server:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        half = PREFACE + SettingsFrame(0).serialize() + heads(1, asking())[0].serialize()[:-3]
        writer.write(half if arm.h2 else GET)
        try:
            async with asyncio.timeout(_HALF_A_HEAD_SECONDS):
                while await reader.read(65_536):
                    pass
        except TimeoutError:
            return f"still open after {_HALF_A_HEAD_SECONDS:.0f} s"
        except ConnectionError:
            pass
        finally:
            writer.close()
        return f"closed after {time.monotonic() - began:.0f} s"


async def _stop(arm: Arm) -> str:
    """SIGTERM while a request is served and another connection is idle."""
    async with running(arm) as server:
        if not arm.h2:
            _, idle_writer = await asyncio.open_connection("127.0.0.1", server.port)
            sent = asyncio.create_task(_answered(server, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"))
            since = await _told(server)
            answered, said = bool(_OK.match(await sent)), ""
            gone = await _gone(server, since)
            idle_writer.close()
        else:
            async with meeting(server.origin) as peer, meeting(server.origin) as idle:
                idle.ask(1, asking())
                await _within(idle, 1)
                peer.ask(1, asking("/slow"))
                since = await _told(server)
                await _within(peer, 1)
                answered, said = peer.answers[1].ended, ", GOAWAY" if peer.goaways else ", no GOAWAY"
                gone = await _gone(server, since)
        return f"{'answered' if answered else 'lost'}{said}; {gone}"


async def _told(server: Server) -> float:
    await asyncio.sleep(SLOW_SECONDS / 4)  # the request is there by then
    server.process.send_signal(signal.SIGTERM)
    return time.monotonic()


async def _gone(server: Server, since: float) -> str:
    try:
        code = await asyncio.wait_for(server.process.wait(), 20)
    except TimeoutError:
        return "still there after 20 s"
    return f"gone with {code} after {time.monotonic() - since:.1f} s"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "–"
