"""The worker's care for studies: complete ones are noted and described before a reader asks."""

from __future__ import annotations

from datetime import datetime, timedelta

from dicom_gateway.series_documents import SeriesDocuments
from dicom_gateway.stability import StudyWatch

KEEP_DOCUMENTS = timedelta(days=90)
"""How long the metadata of a series stay ready: older studies are seldom opened, and theirs are made again when asked for."""

TIDY_EVERY = timedelta(hours=1)


class StudyMaintenance:
    """One of the worker's maintenance."""

    def __init__(self, watch: StudyWatch, documents: SeriesDocuments) -> None:
        self._watch, self._documents = watch, documents
        self._tidied_at: datetime | None = None

    async def __call__(self, now: datetime) -> int:
        """Returns how many studies were found complete."""
        noted = await self._watch.look(now)
        for study in noted:
            await self._documents.prepare(study.id)
        if self._tidied_at is None or now >= self._tidied_at + TIDY_EVERY:
            await self._documents.forget_unused(now - KEEP_DOCUMENTS)
            self._tidied_at = now
        return len(noted)
