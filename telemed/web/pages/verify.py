"""Is this report genuine? A page for anybody who holds a report; signed out, in both languages, bounded."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

import aiohttp_jinja2
from aiohttp import web

from telemed.domain.errors import NotFound
from telemed.service.authenticity import check_report
from telemed.web.keys import APPLICATION, SIGNATURES
from telemed.web.labels.statistics import institution_name
from telemed.web.problems import Problem

QUESTIONS = 20
PERIOD = 60.0
"""So many codes may be asked about in so many seconds from one address: a person's pace, not a program's. Practice."""
ADDRESSES = 10_000
AT_ONCE = 4
"""Reports that are read and checked at the same time, whoever asks."""


class Pace:
    """Counts questions by address in a sliding period; the least recent address is forgotten where there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: OrderedDict[str, list[float]] = OrderedDict()

    def wait_for(self, address: str) -> float:
        """Count one question; 0 where it is allowed, else the seconds until the next one is."""
        now = self._clock()
        times = [at for at in self._asked.pop(address, []) if now - at < PERIOD]
        waiting = PERIOD - (now - times[0]) if len(times) >= QUESTIONS else 0.0
        self._asked[address] = times if waiting else [*times, now]
        while len(self._asked) > ADDRESSES:
            self._asked.popitem(last=False)
        return waiting


PACE: web.AppKey[Pace] = web.AppKey("verify_pace", Pace)
TURNS: web.AppKey[asyncio.Semaphore] = web.AppKey("verify_turns", asyncio.Semaphore)


async def ask(request: web.Request) -> web.StreamResponse:
    """The form; a code typed into it leads to the report's own address."""
    code = request.query.get("code", "").strip()
    if code:
        return await _answer(request, code[:64])
    return _page(request, {"code": "", "found": None, "asked": False}, 200)


async def verify(request: web.Request) -> web.StreamResponse:
    """The report with this code, as far as anybody may know it."""
    return await _answer(request, request.match_info["code"][:64])


async def _answer(request: web.Request, code: str) -> web.StreamResponse:
    waiting = request.app[PACE].wait_for(request.remote or "")
    if waiting:
        raise Problem(429, "too-many", headers={"Retry-After": str(int(waiting) + 1)})
    application = request.app[APPLICATION]
    try:
        async with request.app[TURNS]:
            found = await check_report(application, request.app[SIGNATURES], code)
    except NotFound:
        return _page(request, {"code": code, "found": None, "asked": True}, 404)
    names = {part: institution_name(application.region, part) for part in (found.hub, found.member)}
    centre = application.region.centres.get(found.centre)
    return _page(request, {"code": found.code, "found": found, "asked": True, "names": names, "centre": centre}, 200)


def _page(request: web.Request, context: dict[str, object], status: int) -> web.Response:
    return aiohttp_jinja2.render_template("verify.html", request, context, status=status)


def add_routes(app: web.Application) -> None:
    app[PACE] = Pace()
    app[TURNS] = asyncio.Semaphore(AT_ONCE)
    app.router.add_get("/verify", ask)
    app.router.add_get("/verify/", ask)
    app.router.add_get("/verify/{code}", verify)
