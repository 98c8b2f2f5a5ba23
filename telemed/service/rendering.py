"""A report on its way to paper: everything that is printed, loaded beforehand, and who prints it.

Printing takes seconds and must hold no transaction. `render_request` loads what stands on the paper while the signature is
prepared; the renderer works from that alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from telemed.domain.case import Case
from telemed.domain.centre import Centre
from telemed.domain.network import Network
from telemed.domain.patient import Patient
from telemed.domain.people import Person
from telemed.domain.report import Report
from telemed.service.ports.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class StoredPdf:
    """The PDF of a version as stored."""

    key: str
    sha256: str


def report_key(case_id: str, version: int, sha256: str) -> str:
    """Return the key of a version's PDF: another one for each print, so that a print replaces none before it."""
    return f"reports/{case_id}/{version}-{sha256[:16]}.pdf"


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs the version, the second person where there is one, and the time that is stated on it."""

    author: Person
    reviewer: Person | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What to print: the version as it will stand, and all that stands beside it.

    `entity_tag` is that of the saved version it was made from. `writers` are those who wrote `versions`, by user name;
    `criticals` the findings that count; `figures` what each provider collected, by the provider's name.
    """

    case: Case
    report: Report
    versions: tuple[Report, ...]
    signing: Signing
    entity_tag: str
    centre: Centre
    network: Network
    patient: Patient | None
    writers: Mapping[str, Person]
    criticals: tuple[str, ...]
    figures: Mapping[str, object]


class FigureCollector(Protocol):
    """Collects what a centre wants to draw on a report."""

    @property
    def name(self) -> str: ...
    async def collect(self, work: UnitOfWork, case: Case) -> Any:
        """Load what is to be drawn: rows only, since a transaction is open."""
        ...


class ReportRenderer(Protocol):
    """Prints a report version, puts the signatures on, and keeps the PDF. Slow: call it outside a transaction."""

    @property
    def figures(self) -> Sequence[FigureCollector]:
        """What collects for the figures that this renderer draws."""
        ...

    async def print(self, request: RenderRequest) -> StoredPdf: ...
    async def check(self) -> None:
        """Printing and signing work. Raises what stands in the way."""
        ...


async def render_request(
    work: UnitOfWork,
    case: Case,
    report: Report,
    versions: Sequence[Report],
    entity_tag: str,
    signing: Signing,
    collectors: Sequence[FigureCollector],
) -> RenderRequest:
    """Load everything that is printed of `report`, which is the version as it will stand."""
    writers = {name: await work.people.get(name) for name in sorted({version.author for version in versions})}
    return RenderRequest(
        case=case,
        report=report,
        versions=tuple(versions),
        signing=signing,
        entity_tag=entity_tag,
        centre=work.region.centres[case.centre],
        network=work.region.network,
        patient=await work.patients.get(case.patient.id),
        writers={name: person for name, person in writers.items() if person is not None},
        criticals=tuple(c.finding for c in await work.criticals.of_case(case.id) if c.counts),
        figures={collector.name: await collector.collect(work, case) for collector in collectors},
    )
