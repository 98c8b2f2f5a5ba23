"""Use cases of the centre."""

from __future__ import annotations

from telemed.domain.case import Case
from telemed.service.ports.unit_of_work import UnitOfWork
from tests.centres.made_up.domain import Audiogram, AudiometryEvent
from tests.centres.made_up.ports import Audiograms

READER = "audiometry-reader"


async def keep(work: UnitOfWork, audiogram: Audiogram) -> None:
    """An audiogram was read. May be repeated."""
    case = await work.cases.get(audiogram.case_id)
    if case is not None and await work.repository(Audiograms).add(audiogram):
        work.outbox.event(case, AudiometryEvent.READ, READER, {"evidence": audiogram.evidence_id})


async def prefill(work: UnitOfWork, case: Case) -> dict[str, float]:
    """Return the thresholds of the case's audiogram by the names of the report form."""
    found = await work.repository(Audiograms).of_case(case.id)
    return {"right": found[-1].right, "left": found[-1].left} if found else {}
