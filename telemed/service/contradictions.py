"""What does not go together in a report that is about to be signed, and who signs it all the same, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telemed.domain.case import Case
from telemed.domain.centre import Centre
from telemed.domain.contradictions import Contradiction, Severity, Unsigned, contradictions
from telemed.domain.errors import DomainError, FieldError, Invalid
from telemed.domain.people import Person
from telemed.domain.report import Acknowledged, Report, VersionKind
from telemed.service.ports.unit_of_work import UnitOfWork


class Contradicted(DomainError):
    """The report contradicts itself, its patient or its request, and nobody has said why it is right all the same."""

    code = "contradictions"

    def __init__(self, found: Sequence[Contradiction]) -> None:
        super().__init__(", ".join(each.code for each in found))
        self.found = tuple(found)


@dataclass(frozen=True, slots=True)
class Insistence:
    """What a person signs in spite of: codes of contradictions that were shown to them, and their reason."""

    codes: frozenset[str] = frozenset()
    reason: str = ""


NOTHING = Insistence()
"""Nothing is signed in spite of anything."""


async def contradictions_in(work: UnitOfWork, case: Case, report: Report, centre: Centre) -> tuple[Contradiction, ...]:
    """Return what the rules of every centre and of this one find in a version of the case's report."""
    fields = () if report.kind is VersionKind.ADDENDUM else centre.report_form.written.fields
    stated: set[str] = set()
    for hooks in work.hooks:
        if hooks.stated is not None:
            stated |= await hooks.stated(work, case)
    unsigned = Unsigned(
        sections={name: text for name, text in report.sections.items() if isinstance(text, str)},
        conclusion="\n".join(str(report.sections.get(field.name, "")) for field in fields if field.prominent),
        required=frozenset(field.name for field in fields if field.required),
        result=report.result,
        request=case.request,
        sex=case.patient.sex,
        age=case.patient.age_on((case.submitted_at or case.created_at).date()),
        criticals=tuple(value.finding for value in await work.criticals.of_case(case.id) if value.counts),
        stated=frozenset(stated),
    )
    return contradictions(unsigned, centre.contradiction_rules)


def unsettled(found: Sequence[Contradiction], report: Report) -> tuple[Contradiction, ...]:
    """Return what nobody who signed this version has acknowledged yet, as it was found."""
    known = {(each.code, each.said, each.against) for each in report.acknowledged}
    return tuple(each for each in found if (each.code, each.said, each.against) not in known)


def insisted(found: Sequence[Contradiction], insistence: Insistence, person: Person, report: Report) -> tuple[Acknowledged, ...]:
    """Return what this person signs in spite of. `report` is the version with the time of the signature.

    Raises Contradicted where one of those that stop a signature was not acknowledged, Invalid where no reason was given for one.
    """
    if any(each.severity is Severity.STOP and each.code not in insistence.codes for each in found):
        raise Contradicted(found)
    shown = [each for each in found if each.code in insistence.codes]
    if any(each.severity is Severity.STOP for each in shown) and not insistence.reason.strip():
        raise Invalid(FieldError("reason", "required"))
    at = report.reviewed_at or report.signed_at or report.updated_at
    return tuple(Acknowledged(each.code, each.said, each.against, person.username, insistence.reason.strip(), at) for each in shown)
