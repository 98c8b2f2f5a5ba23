"""A table and a figure of the thresholds on the printed report."""

from __future__ import annotations

from telemed.adapters.printing.report_document import Figure, Lettering, ReportDocument, Stroke, Table
from telemed.domain.case import Case
from telemed.service.ports.unit_of_work import UnitOfWork
from tests.centres.made_up.domain import Audiogram
from tests.centres.made_up.ports import Audiograms


class AudiogramFigures:
    """Implements `ReportFigureProvider`."""

    name = "audiometry"

    async def collect(self, work: UnitOfWork, case: Case) -> list[Audiogram]:
        return await work.repository(Audiograms).of_case(case.id)

    async def draw(self, document: ReportDocument, collected: list[Audiogram]) -> tuple[list[Table], list[Figure]]:
        tables = [Table("Thresholds", ("Right", "Left"), ((f"{each.right} dB", f"{each.left} dB"),)) for each in collected]
        figures = [
            Figure(
                100.0,
                50.0,
                (Stroke((10.0, float(each.right), 90.0, float(each.left)), "#101010", 0.3),),
                (Lettering(10.0, 48.0, "Audiogram", 4.0),),
            )
            for each in collected
        ]
        return tables, figures
