"""The audiograms of a case."""

from __future__ import annotations

from aiohttp import web

from telemed.domain.people import Person
from telemed.domain.policy import Action
from telemed.service.access import case_for
from telemed.service.execution import query, record_look
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.web.api.cases import CASE
from telemed.web.api.inputs import Nothing
from telemed.web.api.operation import Call, answer, operation
from tests.centres.made_up.domain import Audiogram
from tests.centres.made_up.ports import Audiograms


async def audiograms_of(work: UnitOfWork, person: Person, case_id: str) -> list[Audiogram]:
    """Return the case's audiograms. Raises NotFound or Forbidden."""
    await case_for(work, person, case_id, Action.EVIDENCE_READ)
    return await work.repository(Audiograms).of_case(case_id)


@operation("GET", CASE + "/audiograms", returns=dict, errors=(403, 404))
async def listing(call: Call[Nothing]) -> web.Response:
    """The case's audiograms."""
    found = await query(call.application, audiograms_of, call.person, call.case_id)
    await record_look(call.application, call.person, Action.EVIDENCE_READ, f"case/{call.case_id}")
    return answer({"items": [{"right": each.right, "left": each.left} for each in found], "next": None})
