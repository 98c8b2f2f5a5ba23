"""Lists of open pages that are told their changed rows through the live feed, instead of asking for them each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog
from aiohttp import web
from yarl import URL

from telemed.domain.people import Person
from telemed.web.shared_answers import SharedAnswers

log = structlog.get_logger()

GATHER_SECONDS: Final = 0.1
"""So long changes are gathered that come one after the other: a study that arrives, a step and the notices that go with it."""
MOST_ROWS: Final = 100
"""Rows that are told at once. More is a reason for the page to ask by itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An open page: the request of its live feed, who looks at it in which session (the digest), and the query part of its address."""

    request: web.Request
    person: Person
    session: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Markup of rows by the list's address (`data-live-rows`), and the figures by name (`data-count`)."""

    rows: Mapping[str, str]
    counts: Mapping[str, int]


Draw = Callable[[Asked, Collection[str], SharedAnswers], Awaitable[Drawn]]
"""Draws the rows of these cases as the lists of the page show them now; a case that stands in none of them any more has no row."""
LIVE_LISTS: web.AppKey[Mapping[str, Draw]] = web.AppKey("live_lists")
"""By the path of the page."""


def lists_of(request: web.Request, person: Person, session: str) -> tuple[Asked, Draw] | None:
    """Return the lists of the page whose address the request names as `page`; None where there are none."""
    page = URL(request.query.get("page", ""))
    draw = request.app[LIVE_LISTS].get(page.path)
    return (Asked(request, person, session, page.query), draw) if draw else None


class LiveLists:
    """Tells one open page its changed rows. No look is recorded: they belong to the list that the person looks at, and that look
    is on record."""

    def __init__(self, asked: Asked, draw: Draw, answers: Callable[[], SharedAnswers], write: Callable[[bytes], Awaitable[None]]) -> None:
        self._asked, self._draw, self._answers, self._write = asked, draw, answers, write
        self._wanted: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    def changed(self, case_id: str) -> None:
        """The row of the case may look otherwise now, or be gone."""
        self._wanted.add(case_id)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def close(self) -> None:
        """Tell no more."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell(self) -> None:
        while self._wanted:
            await asyncio.sleep(GATHER_SECONDS)
            ids, self._wanted = sorted(self._wanted), set()
            await self._write(await self._event(ids))

    async def _event(self, ids: list[str]) -> bytes:
        """Rows and figures; the cases alone where they cannot be drawn, or not for whom they were: the page then asks by itself."""
        said: dict[str, object] = {"ids": ids}
        answers = self._answers()
        try:
            if len(ids) <= MOST_ROWS and await answers.is_signed_in(self._asked.person, self._asked.session):
                drawn = await self._draw(self._asked, ids, answers)
                said |= {"rows": drawn.rows, "counts": drawn.counts}
        except Exception as error:
            log.warning("live.not_drawn", error=repr(error))
        return b"event: rows\ndata: %b\n\n" % msgspec.json.encode(said)
