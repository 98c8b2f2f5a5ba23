"""Server-sent events: the live feed, resumable by Last-Event-ID."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import msgspec
from aiohttp import web

from telemed.domain.notices import ACTIONS
from telemed.domain.policy import Action, Relation, may
from telemed.service.queries import HistoryLine
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, operation
from telemed.web.api.shapes import event_shape
from telemed.web.keys import FEED
from telemed.web.live_lists import LiveLists, lists_of
from telemed.web.problems import Problem
from telemed.web.security import session_of, still_signed_in

KEEP_ALIVE_SECONDS = 10
"""So often, whether lines come or not, the stream asks whether its session still lives; where nothing came, it says a word."""
LONGEST_SECONDS = 3600
"""After this the stream ends and the browser comes back."""


@operation("GET", "/events", returns=str, media_type="text/event-stream", errors=(400, 429))
async def stream(call: Call[Nothing]) -> web.StreamResponse:
    """Changes of all cases that this person may see, as they happen, until the session ends."""
    with call.request.app[FEED].place(call.person.username) as free:
        if not free:
            raise Problem(429, "too-many-streams", headers={"Retry-After": "60"})
        return await _told(call)


async def _told(call: Call[Nothing]) -> web.StreamResponse:
    after = _last_event_id(call.request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    await response.prepare(call.request)
    await response.write(b"retry: 2000\n\n")
    shown = lists_of(call.request, call.person, session_of(call.request))
    if shown:
        await response.write(b"event: lists\ndata: {}\n\n")
    whole = not may(call.person, Action.CASE_READ_METADATA, Relation.FOREIGN)
    feed = call.request.app[FEED]
    lines = feed.listen(call.person, after, session_of(call.request))
    lists = LiveLists(*shown, lambda: feed.answers, response.write) if shown else None
    try:
        # The inner one first: it still waits for a line when the browser goes away, and a running generator cannot be closed.
        async with asyncio.timeout(LONGEST_SECONDS), aclosing(lines), aclosing(_with_pauses(lines)) as heard:
            async for line in heard:
                if line is None and not await still_signed_in(call.request):
                    break
                await response.write(b": \n\n" if line is None else _event(line, whole))
                if line is not None and lists is not None:
                    lists.changed(line.case_id)
                if line is not None and line.action in ACTIONS and line.actor != call.person.username:
                    await response.write(
                        b'event: notice\ndata: {"unread":%d}\n\n' % await call.application.queries.unread_notices(call.person)
                    )
    except (TimeoutError, ConnectionResetError):
        pass
    finally:
        if lists is not None:
            await lists.close()
    return response


def _last_event_id(request: web.Request) -> int | None:
    """The header, which a browser sends when it comes back; before that the page says in its address what it has shown."""
    text = (request.headers.get("Last-Event-ID") or request.query.get("last_event_id", "")).strip()
    if not text:
        return None
    if not (text.isdecimal() and text.isascii() and len(text) < 19):
        raise Problem(400, "malformed", "Last-Event-ID")
    return int(text)


def _event(line: HistoryLine, whole: bool) -> bytes:
    data = msgspec.json.encode(event_shape(line, whole=whole))
    return b"id: %d\nevent: case\ndata: %b\n\n" % (line.id, data)


async def _with_pauses(lines: AsyncIterator[HistoryLine]) -> AsyncGenerator[HistoryLine | None, None]:
    """The lines, and None every `KEEP_ALIVE_SECONDS`, however many lines come."""
    now = asyncio.get_running_loop().time
    pause_at = now() + KEEP_ALIVE_SECONDS
    waiting: asyncio.Task[HistoryLine] = asyncio.ensure_future(anext(lines))
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=max(0.0, pause_at - now()))
            if now() >= pause_at:
                yield None
                pause_at = now() + KEEP_ALIVE_SECONDS
            if not done:
                continue
            try:
                line = waiting.result()
            except StopAsyncIteration:
                return
            yield line
            waiting = asyncio.ensure_future(anext(lines))
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
