"""The result of a report: which ones a centre's reports may have, and with which one a report begins."""

from __future__ import annotations

from telemed.domain.case import Case
from telemed.domain.centre import Centre
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.report import Result
from telemed.service.ports.unit_of_work import UnitOfWork


async def result_at_first(work: UnitOfWork, case: Case) -> Result:
    """Return positive where a critical value was found before anybody read the case; else nobody has judged."""
    judged = Result.POSITIVE in work.region.centres[case.centre].results
    found = any(value.counts for value in await work.criticals.of_case(case.id))
    return Result.POSITIVE if judged and found else Result.NOT_JUDGED


def check_result(centre: Centre, result: Result | None) -> None:
    """Raises Invalid for a result that the centre's reports do not have."""
    takes = (Result.NOT_JUDGED, *centre.results)
    if result is not None and result not in takes:
        raise Invalid(FieldError("result", "choice", " ".join(takes)))
