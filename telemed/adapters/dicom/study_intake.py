"""The DICOM intake as the platform's door for studies."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncEngine

from dicom_gateway import Intake, Outcome, Source
from dicom_gateway.header import InstanceHeader
from storage.errors import StoreFull, StoreUnavailable
from telemed.adapters.dicom.bare_data_set import HEAD, beginning_for
from telemed.adapters.dicom.study_repository import StudyTable, day_of, written_name
from telemed.domain.errors import DomainError, TakenInstance
from telemed.domain.evidence import NamedPatient, OfferedStudy
from telemed.service.files import Admission, DamagedFile, ReceivedStudy, split

NO_BEGINNING = "a data set without the beginning of a file, whose SOP Class and Instance UID cannot be read: export it again (Part 10)"


class DicomStudyIntake:
    """Implements `telemed.service.files.StudyIntake`."""

    def __init__(self, intake: Intake, engine: AsyncEngine) -> None:
        self._intake, self._engine = intake, engine

    async def receive(
        self, content: AsyncIterator[bytes], owner: str, source: str, case_id: str = "", admission: Admission | None = None
    ) -> ReceivedStudy:
        """Keep one Part 10 file. Raises DamagedFile for what is not DICOM, TakenInstance for what was set aside, StoreFull or
        StoreUnavailable where it cannot be kept now, and what the admission raises."""
        refusals: list[DomainError] = []

        async def admit(header: InstanceHeader) -> str:
            try:
                if admission is not None:
                    await admission(_offered(header))
            except DomainError as refusal:
                refusals.append(refusal)
                return refusal.code
            return ""

        file = await _as_file(content)
        received = await self._intake.receive(file, owner, Source("upload", address=source, reference=case_id), admit)
        if refusals:
            raise refusals[0]
        if received.outcome is Outcome.CONFLICT:
            raise TakenInstance(received.sop_instance_uid or "")
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


async def _as_file(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The content with the beginning of a DICOM file. Raises DamagedFile where it has none and none can be made."""
    head, whole = await split(content, HEAD)
    beginning = beginning_for(head)
    if beginning is None:
        raise DamagedFile("DICOM", NO_BEGINNING)

    async def file() -> AsyncIterator[bytes]:
        if beginning:
            yield beginning
        async for piece in whole:
            yield piece

    return file()


def _offered(header: InstanceHeader) -> OfferedStudy:
    said = header.study
    born = day_of(said["patient_birth_date"] or "")
    return OfferedStudy(header.study_instance_uid, NamedPatient(said["patient_id"] or "", written_name(said["patient_name"] or ""), born))
