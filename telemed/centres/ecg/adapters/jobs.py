"""The job that reads a tracing when it arrives: bytes out of the store, analysis in a process, objects and proposal back."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import structlog

from dicom_gateway.index import dicom_instance, dicom_series, dicom_study
from telemed.adapters.application import SqlApplication
from telemed.adapters.clock import utc_now
from telemed.adapters.dicom.study_access import case_scope
from telemed.centres.ecg import service as ecg_reading
from telemed.centres.ecg.adapters.analysis import Analysis, Hit, analyse
from telemed.centres.ecg.domain import CriticalHit, Tracing, TracingKind, TracingObject
from telemed.centres.ecg.ports import EcgRules, Tracings
from telemed.domain.case import Case
from telemed.domain.evidence import Evidence
from telemed.service.identity import new_id

log = structlog.get_logger()

_ = str  # marks text for the translation catalogue

FINDINGS: Final = {
    "pause": _("Pause of %(value)s s"),
    "pause-af": _("Pause of %(value)s s in atrial fibrillation"),
    "pause-long": _("Pause of %(value)s s"),
    "pauses": _("%(value)s pauses of 3 s or more"),
    "slow": _("Mean rate of %(value)s/min"),
    "fast-supraventricular": _("Supraventricular tachycardia at %(value)s/min"),
    "fast-fibrillation": _("Atrial fibrillation at %(value)s/min"),
    "ventricular-tachycardia": _("Sustained ventricular tachycardia at %(value)s/min"),
    "wide-tachycardia": _("Regular wide QRS tachycardia at %(value)s/min"),
    "ventricular-fibrillation": _("Suspected ventricular fibrillation for %(value)s s"),
    "polymorphic-tachycardia": _("Suspected polymorphic ventricular tachycardia for %(value)s s"),
    "ventricular-flutter": _("Suspected ventricular flutter for %(value)s s"),
    "pre-excited-fibrillation": _("Fibrillation with wide QRS, shortest RR %(value)s s"),
    "hyperkalaemia": _("Suspected hyperkalaemia: %(value)s signs"),
    "qtc": _("QTc of %(value)s ms"),
    "st-limb-lateral": _("ST elevation of %(value)s mV in limb or lateral leads"),
    "st-anterior": _("ST elevation of %(value)s mV in V1-V3"),
}
"""The finding in words, by row of the table of critical values."""

DIGITS: Final = {"s": 1, "mV": 2}
PIECE: Final = 1 << 20
LONG_FILE: Final = 8 * 1024 * 1024
"""Bytes from which a file holds hours: one such at a time, so that resting tracings are read meanwhile."""


class EcgReader:
    """Reads one piece of evidence; carried out again it finds that nothing is left to do."""

    def __init__(self, application: SqlApplication, pool: Executor, gettext: Callable[[str], str]) -> None:
        self._application, self._pool, self._gettext = application, pool, gettext
        self._long = asyncio.Semaphore(1)

    async def __call__(self, payload: Mapping[str, Any]) -> None:
        """The job `read-ecg`: `{"case_id", "evidence_id"}`."""
        async with self._application.reading() as work:
            evidence = await work.evidence.get(payload["evidence_id"])
            case = await work.cases.get(payload["case_id"])
            if evidence is None or case is None:
                return
            known = await work.repository(Tracings).sources(evidence.id)
            critical = EcgRules.of(work.region).critical
        for source, key, size in await self._objects(evidence, case):
            if source not in known:
                await self._read(evidence, source, key, size, critical)

    async def _objects(self, evidence: Evidence, case: Case) -> list[tuple[str, str, int]]:
        """Source, key and size of each recording: the file itself, or every instance of a study that the case has."""
        if not evidence.study_instance_uid:
            return [("", evidence.key, evidence.size)]
        i, s, scope = dicom_instance.c, dicom_study.c, case_scope(case)
        joined = dicom_instance.join(dicom_series, dicom_series.c.id == i.series_id).join(dicom_study, s.id == dicom_series.c.study_id)
        query = sa.select(i.sop_instance_uid, i.object_key, i.size).select_from(joined)
        query = query.where(s.study_instance_uid == evidence.study_instance_uid, scope.studies, scope.instances).order_by(i.id)
        async with self._application.engine.connect() as bare:
            connection = await bare.execution_options(reading=True)
            return [(str(uid), str(key), int(size)) for uid, key, size in (await connection.execute(query)).all()]

    async def _read(self, evidence: Evidence, source: str, key: str, size: int, critical: Mapping[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        with tempfile.TemporaryDirectory(prefix="telemed-ecg-") as name:
            file, folder = Path(name) / "recording", Path(name) / "objects"
            await asyncio.to_thread(folder.mkdir)
            await self._fetch(key, file)
            if size >= LONG_FILE:
                async with self._long:
                    found = await loop.run_in_executor(self._pool, analyse, file, folder, critical)
            else:
                found = await loop.run_in_executor(self._pool, analyse, file, folder, critical)
            tracing = self._tracing(evidence, source, found)
            if tracing.readable:
                tracing.objects = await self._keep(folder, tracing.key)
        async with self._application.writing() as work:
            kept = await ecg_reading.keep_reading(work, tracing)
        if not kept:
            await self._forget(tracing.key)

    async def _fetch(self, key: str, file: Path) -> None:
        with await asyncio.to_thread(file.open, "wb") as out:
            async for piece in self._application.store.stream(key, chunk=PIECE):
                await asyncio.to_thread(out.write, piece)

    async def _keep(self, folder: Path, key: str) -> tuple[TracingObject, ...]:
        kept = []
        for file in sorted(await asyncio.to_thread(lambda: list(folder.iterdir()))):
            stored = await self._application.store.put(f"{key}/{file.name}", _pieces(file))
            kept.append(TracingObject(file.name, stored.size, stored.sha256))
        return tuple(kept)

    async def _forget(self, key: str) -> None:
        """Another worker was faster: its objects are the ones that count."""
        if key:
            async for name in self._application.store.list(f"{key}/"):
                await self._application.store.delete(name)

    def _tracing(self, evidence: Evidence, source: str, found: Analysis) -> Tracing:
        identity = new_id()
        return Tracing(
            id=identity,
            case_id=evidence.case_id,
            evidence_id=evidence.id,
            source=source,
            kind=TracingKind(found.kind),
            analysed_at=utc_now(),
            format=found.format[:32],
            started_at=found.started_at,
            duration=found.duration,
            rate=found.rate,
            samples=found.samples,
            leads=found.leads,
            proposal=dict(found.proposal or {}),
            critical=tuple(self._hit(hit) for hit in found.critical),
            reason=found.reason,
            key="" if found.kind == TracingKind.UNREADABLE else f"ecg/{identity}",
        )

    def _hit(self, hit: Hit) -> CriticalHit:
        digits = DIGITS.get(hit.unit, 0)
        words = self._gettext(FINDINGS[hit.code]) % {"value": f"{hit.value:.{digits}f}"} if hit.code in FINDINGS else hit.code
        return CriticalHit(hit.code, round(hit.value, 3), hit.unit, words)


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as content:
        while piece := await asyncio.to_thread(content.read, PIECE):
            yield piece
