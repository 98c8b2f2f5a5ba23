"""Results of a sender's code, judged anew after a person said which test it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from telemed.adapters.application import SqlApplication
from telemed.centres.lab.adapters.judging import CriticalRules, Subject
from telemed.centres.lab.domain import Result
from telemed.centres.lab.intake import look_at_orders
from telemed.centres.lab.ports import LabResults

AT_ONCE: Final = 500

RECENT: Final = timedelta(days=3)
"""How long after it was reported a critical value that nobody knew as one is still told: a weekend (practice)."""


class MappedCodes:
    """Carries out `lab-code-mapped`; carried out again it finds everything judged."""

    def __init__(self, application: SqlApplication) -> None:
        self._application = application

    async def __call__(self, payload: Mapping[str, Any]) -> None:
        """The payload is `{"member", "code"}`."""
        after = ""
        while True:
            async with self._application.writing() as work:
                found = await work.repository(LabResults).of_code(payload["member"], payload["code"], after, AT_ONCE)
                rules = CriticalRules.of(work.region.settings)
                judged = {each.id: flag_of(each, rules) for each in found}
                await work.repository(LabResults).flag({each.id: judged[each.id] for each in found if judged[each.id] != each.value.flag})
                look_at_orders(work, (each for each in found if each.reported_at > work.now - RECENT))
            if len(found) < AT_ONCE:
                return
            after = found[-1].id


def flag_of(result: Result, rules: CriticalRules) -> str:
    """Return LL or HH where the test's critical limits are reached, else what the result was flagged by its laboratory. The patient's
    age is not known here: limits of an age band do not count."""
    code, value = result.code.wst886 or result.code.loinc, result.value
    subject = Subject(result.member, (result.observed_at or result.reported_at).date())
    hit = rules.reached(code, value.number, value.unit, value.comparator, subject) if code and value.number is not None else None
    if hit is None:
        return value.flag
    return "LL" if hit.side == "low" else "HH"
