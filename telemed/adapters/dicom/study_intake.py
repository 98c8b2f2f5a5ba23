"""The DICOM intake as the platform's door for studies."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway import Intake, Outcome, Source
from storage.errors import StoreFull, StoreUnavailable
from telemed.adapters.dicom.study_repository import StudyTable
from telemed.service.files import DamagedFile, ReceivedStudy


class DicomStudyIntake:
    """Implements `telemed.service.files.StudyIntake`."""

    def __init__(self, intake: Intake, engine: AsyncEngine) -> None:
        self._intake, self._engine = intake, engine

    async def receive(self, content: AsyncIterator[bytes], owner: str, source: str) -> ReceivedStudy:
        """Keep one Part 10 file. Raises DamagedFile for what is not DICOM, StoreFull or StoreUnavailable where it cannot be
        kept now."""
        received = await self._intake.receive(content, owner, Source(via="upload", address=source))
        if received.outcome is Outcome.FULL:
            raise StoreFull(received.comment)
        if received.outcome is Outcome.OUT_OF_RESOURCES:
            raise StoreUnavailable(received.comment)
        if received.study_instance_uid is None or received.outcome in (Outcome.UNREADABLE, Outcome.NOT_STORABLE):
            raise DamagedFile("DICOM", received.comment)
        async with self._engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            facts = await StudyTable(connection).facts(owner, received.study_instance_uid)
        if facts is None:
            raise StoreUnavailable(received.comment)
        return ReceivedStudy(facts.study_instance_uid, facts.modality, facts.description, facts.instances)
