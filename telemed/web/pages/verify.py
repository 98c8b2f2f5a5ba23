"""Is this report genuine? A page for anybody who holds a report; signed out, in both languages, bounded."""

from __future__ import annotations

import asyncio
import time

import aiohttp_jinja2
from aiohttp import web

from dicom_gateway.rate_limiter import RateLimiter
from telemed.domain.errors import NotFound
from telemed.service.authenticity import check_report, erased_report
from telemed.service.ports.retention import ErasedName
from telemed.web.keys import APPLICATION, SIGNATURES
from telemed.web.labels.statistics import institution_name
from telemed.web.problems import Problem
from telemed.web.security import address_of

QUESTIONS = 20
PERIOD = 60.0
"""So many codes may be asked about in so many seconds from one address: a person's pace, not a program's. Practice."""
ADDRESSES = 10_000
AT_ONCE = 4
"""Reports that are read and checked at the same time, whoever asks."""


PACE: web.AppKey[RateLimiter] = web.AppKey("verify_pace", RateLimiter)
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
    waiting = request.app[PACE].acquire(address_of(request), time.monotonic())
    if waiting:
        raise Problem(429, "too-many", headers={"Retry-After": str(int(waiting) + 1)})
    application = request.app[APPLICATION]
    try:
        async with request.app[TURNS]:
            found = await check_report(application, request.app[SIGNATURES], code)
    except NotFound:
        erased = await _erased(request, code)
        return _page(request, {"code": code, "found": None, "asked": True, "erased": erased}, 410 if erased else 404)
    names = {part: institution_name(application.region, part) for part in (found.hub, found.member)}
    centre = application.region.centres.get(found.centre)
    return _page(request, {"code": found.code, "found": found, "asked": True, "names": names, "centre": centre}, 200)


async def _erased(request: web.Request, code: str) -> ErasedName | None:
    try:
        return await erased_report(request.app[APPLICATION], code)
    except NotFound:
        return None


def _page(request: web.Request, context: dict[str, object], status: int) -> web.Response:
    return aiohttp_jinja2.render_template("verify.html", request, {"erased": None} | context, status=status)


def add_routes(app: web.Application) -> None:
    app[PACE] = RateLimiter(QUESTIONS / PERIOD, burst=PERIOD, max_keys=ADDRESSES)
    app[TURNS] = asyncio.Semaphore(AT_ONCE)
    app.router.add_get("/verify", ask)
    app.router.add_get("/verify/", ask)
    app.router.add_get("/verify/{code}", verify)
