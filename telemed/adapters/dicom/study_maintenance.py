"""The worker's care for studies: complete ones are noted and described before a reader asks."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from dicom_gateway.series_documents import SeriesDocuments
from dicom_gateway.stability import StudyWatch

KEEP_DOCUMENTS = timedelta(days=90)
"""How long the metadata of a series stay ready: older studies are seldom opened, and theirs are made again when asked for."""

TIDY_EVERY = timedelta(hours=1)

MAX_WAITING = 10_000
"""Studies that wait to be described; what is more is described when it is asked for."""

log = structlog.get_logger()


class DescribedAhead:
    """Describes studies beside the worker's other work, one after the other: an object with a million items takes minutes."""

    def __init__(self, documents: SeriesDocuments) -> None:
        self.documents = documents
        self._waiting: asyncio.Queue[int] = asyncio.Queue(MAX_WAITING)

    def add(self, study: int) -> None:
        """Have a study described when its turn comes."""
        if not self._waiting.full():
            self._waiting.put_nowait(study)

    async def run(self) -> None:
        """Describe what waits, until cancelled."""
        while True:
            study = await self._waiting.get()
            try:
                await self.documents.prepare(study)
            except Exception as error:  # it is described when it is asked for; the next one must not wait for that
                log.warning("study.undescribed", study=study, error=str(error))


class StudyMaintenance:
    """One of the worker's maintenance."""

    def __init__(self, watch: StudyWatch, ahead: DescribedAhead) -> None:
        self._watch, self._ahead = watch, ahead
        self._tidied_at: datetime | None = None

    async def __call__(self, now: datetime) -> int:
        """Returns how many studies were found complete."""
        noted = await self._watch.look(now)
        for study in noted:
            self._ahead.add(study.id)
        if self._tidied_at is None or now >= self._tidied_at + TIDY_EVERY:
            await self._ahead.documents.forget_unused(now - KEEP_DOCUMENTS)
            self._tidied_at = now
        return len(noted)
