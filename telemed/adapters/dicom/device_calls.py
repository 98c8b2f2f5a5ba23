"""Who called the DICOM gateway last, and whether it was let in: a help for the operator, and for a refusal a record of the trail. Both
are written beside the association and seldom, so that whoever knocks costs nothing; what cannot be written is left."""

from __future__ import annotations

import asyncio
import time
from collections import deque

import sqlalchemy as sa
import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from telemed.adapters.application import SqlApplication
from telemed.adapters.clock import utc_now
from telemed.adapters.database import tables as t
from telemed.adapters.database.repositories.base import insert_into

log = structlog.get_logger()

SELDOM = 60.0
"""Seconds between two notes of the same: a device may associate many times a second."""

AT_ONCE = 4
"""Notes being written; more are left, so that whoever knocks under many titles costs nothing. Refusals that go on record are not left."""

MAX_REMEMBERED = 4096
"""Titles of which one remembers when they were noted."""

RECORDED = 60
"""Refusals that go on record in a minute; of a flood under ever other titles the rest is left."""

KEPT_REFUSED = 50
"""Refused titles that are kept, the newest."""


associations = Counter("telemed_associations_total", "Associations that devices asked for", ["outcome"])


class DeviceCalls:
    """The notes of one process."""

    def __init__(self, application: SqlApplication) -> None:
        self._application, self._engine = application, application.engine
        self._noted: dict[tuple[str, str], float] = {}
        self._recorded: deque[float] = deque(maxlen=RECORDED)
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, title: str, address: str, refused: str = "", fingerprint: str = "") -> None:
        """A device has called. `refused` is a code of why it was not let in, empty where it was; `fingerprint` of what it showed."""
        associations.labels("refused" if refused else "accepted").inc()
        now, what = time.monotonic(), (title, refused)
        recorded = bool(refused) and (len(self._recorded) < RECORDED or now - self._recorded[0] > SELDOM)
        if now - self._noted.get(what, -SELDOM) < SELDOM or (len(self._writing) >= AT_ONCE and not recorded):
            return
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted.clear()
        self._noted[what] = now
        if recorded:
            self._recorded.append(now)
        task = asyncio.create_task(self._write(title, address, refused, fingerprint if recorded else None))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def written(self) -> None:
        """Wait for what is being written: before the engine is disposed of, so that no note is lost and no connection left open."""
        await asyncio.gather(*self._writing)

    async def _write(self, title: str, address: str, refused: str, fingerprint: str | None) -> None:
        printable = "".join(sign if sign.isprintable() else "?" for sign in title[:16])
        values = {"called_at": utc_now(), "address": address[:64], "refused": refused}
        noted = insert_into(self._engine.dialect.name, t.device_call).values(title=printable, **values)
        try:
            async with self._engine.begin() as connection:
                await connection.execute(noted.on_conflict_do_update(index_elements=["title"], set_=values))
                if refused:
                    await connection.execute(_all_but_the_newest())
            if refused and fingerprint is not None:
                detail = {"why": refused, "address": address[:64]} | ({"certificates": [fingerprint]} if fingerprint else {})
                async with self._application.writing() as work:
                    work.outbox.audit("access:associate", printable, "", f"device/{printable}", "refused", detail)
        except (SQLAlchemyError, OSError) as error:
            log.warning("device_call.not_noted", error=str(error))


def _all_but_the_newest() -> sa.Delete:
    c = t.device_call.c
    newest = sa.select(c.title).where(c.refused != "").order_by(c.called_at.desc()).limit(KEPT_REFUSED)
    return sa.delete(t.device_call).where(c.refused != "", c.title.not_in(newest))
