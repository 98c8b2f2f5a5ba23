"""Held specimens at the signature: a report of a case whose tube is held needs a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from telemed.centres.lab.specimens.access import CENTRE
from telemed.centres.lab.specimens.holds import WORDS
from telemed.centres.lab.specimens.ports import Specimens
from telemed.centres.lab.specimens.registering import view_specimens
from telemed.domain.case import Case
from telemed.domain.contradictions import Found, Severity, Unsigned
from telemed.service.ports.unit_of_work import UnitOfWork

_ = str  # marks text for the translation catalogue

PREFIX: Final = "specimen-"
"""Of the codes that are stated of a case's tubes."""


@dataclass(frozen=True, slots=True)
class HeldSpecimen:
    """A tube of the case is held by this rule of `holds.RULES`."""

    hold: str
    severity: Severity = Severity.STOP
    message: str = _("Results of a tube of this case are held: %(said)s")
    source: str = "practice of pre-analytical quality"

    @property
    def code(self) -> str:
        return PREFIX + self.hold

    def find(self, report: Unsigned) -> Iterator[Found]:
        if self.code in report.stated:
            yield Found(WORDS[self.hold])


HELD_SPECIMENS: Final = tuple(HeldSpecimen(hold) for hold in WORDS)


async def stated(work: UnitOfWork, case: Case) -> frozenset[str]:
    """Return the codes of what holds tubes of a case of the laboratory."""
    if case.centre != CENTRE:
        return frozenset()
    views = await view_specimens(work, await work.repository(Specimens).of_case(case.id))
    return frozenset(PREFIX + hold.code for view in views for hold in view.holds)
