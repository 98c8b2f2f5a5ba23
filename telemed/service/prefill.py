"""Numbers that the analysis of the evidence proposes and the reader stands for: what is proposed, and who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telemed.domain.case import Case
from telemed.domain.events import CaseEvent
from telemed.domain.forms import Form
from telemed.domain.report import Report
from telemed.service.ports.unit_of_work import UnitOfWork


async def prefilled(work: UnitOfWork, case: Case, form: Form) -> dict[str, int]:
    """Return by field what the analysis of the case's evidence proposes, in whole units; empty without one."""
    wanted = {field.name: field.measured for field in form.fields if field.measured}
    if not wanted:
        return {}
    numbers: dict[str, float] = {}
    for hooks in work.hooks:
        if hooks.prefill is not None:
            numbers |= await hooks.prefill(work, case)
    return {name: round(numbers[measured]) for name, measured in wanted.items() if measured in numbers}


async def record_overrides(work: UnitOfWork, case: Case, report: Report, form: Form, sections: Mapping[str, Any], who: str) -> None:
    """Put every changed number into the case's history: what, from, to. The first draft is compared with what was proposed."""
    fields = [field for field in form.fields if field.measured and field.name in sections]
    if not fields:
        return
    before: Mapping[str, Any] = report.sections or await prefilled(work, case, form)
    for field in fields:
        old, new = before.get(field.name), sections[field.name]
        if old != new and not (old is None and new in (None, "")):
            work.outbox.event(case, CaseEvent.MEASURE, who, {"measure": field.name, "before": old, "after": new or None})
