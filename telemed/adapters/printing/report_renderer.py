"""From a signed version to its PDF: what stands on it, printed and signed in a process of its own, kept in the store."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from storage.protocol import ObjectStore
from telemed.adapters.printing.report_document import (
    Addendum,
    Figure,
    Line,
    ReportDocument,
    ReportPatient,
    Section,
    SignedBy,
    Table,
    UnprintableReport,
)
from telemed.domain.case import Case
from telemed.domain.errors import FieldError, Invalid
from telemed.domain.forms import FieldType, Form, is_blank
from telemed.domain.patient import RESIDENT_ID, Patient, masked
from telemed.domain.people import Person
from telemed.domain.report import Report, ReportStatus, VersionKind
from telemed.service.ports.signer import Role, Signatory
from telemed.service.rendering import FigureCollector, RenderRequest, StoredPdf, report_key
from telemed.service.reporting import ADDENDUM

_ = str  # marks text for the translation catalogue

LABELS = {
    "patient_name": _("Name"),
    "patient_sex": _("Sex"),
    "patient_age": _("Age"),
    "patient_birth_date": _("Date of birth"),
    "patient_number": _("Patient number"),
    "patient_resident_id": _("Resident number"),
    "member": _("Requesting institution"),
    "accession_number": _("Accession number"),
    "result": _("Result"),
    "positive": _("Positive"),
    "negative": _("Negative"),
    "critical_value": _("Critical value"),
    "amendment_reason": _("Reason for amendment"),
    "addendum": _("Addendum {number} by {author}, {time}"),
    "author": _("Reporting physician"),
    "reviewer": _("Reviewing physician"),
    "signed_at": _("Signed at"),
    "verification_code": _("Verification code"),
    "version": _("Version {version}"),
    "page": _("Page {page} of {pages}"),
    "colon": _(": "),
    "status_partial": _("Draft"),
    "status_preliminary": _("Preliminary"),
    "status_final": _("Final"),
    "status_amended": _("Amended"),
    "status_appended": _("With addendum"),
    "status_entered-in-error": _("Withdrawn"),
    "watermark_partial": _("DRAFT"),
    "watermark_preliminary": _("NOT REVIEWED"),
    "watermark_entered-in-error": _("WITHDRAWN"),
}
SEX = {"male": _("male"), "female": _("female"), "other": _("other"), "unknown": _("unknown")}
DISCLAIMER = _("This report is for the treating physician's reference only.")
AGE = _("%d years")
SUBMITTED, REPORTED = _("Submitted"), _("Reported")
SIGNED, REVIEWED = _("Report signed"), _("Report reviewed")

Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class SignatureStep:
    """One signature to put on."""

    role: Role
    signatory: Signatory
    reason: str
    at: datetime


class ReportFigureProvider(FigureCollector, Protocol):
    """Tables and figures of a centre on its reports, in two steps."""

    async def draw(self, document: ReportDocument, collected: Any) -> tuple[list[Table], list[Figure]]:
        """Draw what `collect` brought. Slow: no transaction is open."""
        ...


def produce(document: ReportDocument, steps: tuple[SignatureStep, ...], two: bool, keys: Path) -> bytes:
    """Print and sign; runs in a process of its own, since both keep a processor busy."""
    from telemed.adapters.printing.report_pdf import render_report
    from telemed.adapters.signatures.pdf_signatures import PdfSigner

    pdf = render_report(document)
    signer = PdfSigner(keys)
    for step in steps:
        follows = two and step.role == "author"
        pdf = signer.sign(pdf, step.role, step.signatory, step.reason, step.at, reviewer_follows=follows)
    return pdf


def try_out(keys: Path) -> None:
    """Bring what printing and signing need, and the authority's key. Raises what stands in the way."""
    import telemed.adapters.printing.report_pdf
    import telemed.adapters.signatures.pades  # noqa: F401  # brought so that a missing part is noticed here
    from telemed.adapters.signatures.pdf_signatures import PdfSigner

    PdfSigner(keys).check()


class PdfReportRenderer:
    """Implements `telemed.service.application.ReportRenderer`."""

    def __init__(
        self,
        store: ObjectStore,
        pool: Executor,
        keys: Path,
        address: str,
        language: str,
        gettext: Translate,
        figures: Sequence[ReportFigureProvider] = (),
    ) -> None:
        self.figures = figures
        self._store, self._pool, self._keys = store, pool, keys
        self._address, self._language, self._gettext = address, language, gettext

    async def print(self, request: RenderRequest) -> StoredPdf:
        """Print `request`, sign as its author and reviewer, store the PDF. The key is new each time.

        Raises Invalid where all that stands on the report together is more than can be printed.
        """
        try:
            document = await self._with_figures(self._document(request), request)
        except UnprintableReport as error:
            raise Invalid(FieldError(error.field, "unprintable", error.problem)) from None
        steps = self._steps(request)
        two = request.signing.reviewer is not None
        pdf = await asyncio.get_running_loop().run_in_executor(self._pool, produce, document, steps, two, self._keys)
        digest = hashlib.sha256(pdf).hexdigest()
        key = report_key(request.case.id, request.report.version, digest)
        await self._store.put(key, pdf, media_type="application/pdf")
        return StoredPdf(key, digest)

    async def check(self) -> None:
        """See `ReportRenderer.check`: the process answers, and can open the keys that it signs with."""
        await asyncio.get_running_loop().run_in_executor(self._pool, try_out, self._keys)

    async def _with_figures(self, document: ReportDocument, request: RenderRequest) -> ReportDocument:
        tables: list[Table] = []
        figures: list[Figure] = []
        for provider in self.figures:
            more_tables, more_figures = await provider.draw(document, request.figures[provider.name])
            tables += more_tables
            figures += more_figures
        return replace(document, tables=tuple(tables), figures=tuple(figures))

    def _steps(self, request: RenderRequest) -> tuple[SignatureStep, ...]:
        network, signing = request.network, request.signing
        author_at = (request.report.signed_at or signing.at).astimezone(network.zone)
        steps = [SignatureStep("author", _signatory(signing.author, network.name), self._gettext(SIGNED), author_at)]
        if signing.reviewer is not None:
            reviewer = _signatory(signing.reviewer, network.name)
            steps.append(SignatureStep("reviewer", reviewer, self._gettext(REVIEWED), signing.at.astimezone(network.zone)))
        return tuple(steps)

    def _document(self, request: RenderRequest) -> ReportDocument:
        case, report, centre, network, signing = request.case, request.report, request.centre, request.network, request.signing
        gettext, zone = self._gettext, request.network.zone
        body = _body_version(request)
        times = ((SUBMITTED, case.submitted_at), (REPORTED, signing.at))
        return ReportDocument(
            language="en" if self._language == "en" else "zh-CN",
            labels={name: gettext(text) for name, text in LABELS.items()},
            title=gettext(centre.report_title),
            centre=gettext(centre.name),
            hub=network.name(report.hub),
            member=network.name(case.member),
            status=report.status.value,
            version=report.version,
            patient=self._patient(case, request.patient),
            accession_number=case.accession_number,
            issued_at=signing.at.astimezone(zone),
            verification_code=report.verification_code,
            verification_url=f"{self._address}/verify/{report.verification_code}",
            disclaimer=gettext(DISCLAIMER),
            request=tuple(_lines(centre.request_form, case.request, gettext)),
            times=tuple((gettext(label), at.astimezone(zone)) for label, at in times if at),
            examination=tuple(_measured(centre.report_form, body.sections, gettext)),
            sections=tuple(_sections(centre.report_form.written, body.sections, gettext)),
            critical_value="；".join(gettext(finding) for finding in request.criticals),
            result=report.result.value,
            author=SignedBy(signing.author.name, report.signed_at.astimezone(zone) if report.signed_at else None),
            reviewer=SignedBy(signing.reviewer.name, signing.at.astimezone(zone)) if signing.reviewer else None,
            amendment_reason=report.reason if report.kind is VersionKind.AMENDMENT else "",
            addenda=_addenda(request),
        )

    def _patient(self, case: Case, patient: Patient | None) -> ReportPatient:
        summary, gettext = case.patient, self._gettext
        age = summary.age_on((case.submitted_at or case.created_at).date())
        number = patient.identifier(RESIDENT_ID) if patient else ""
        return ReportPatient(
            name=summary.name,
            sex=gettext(SEX[summary.sex]),
            age=gettext(AGE) % age if age is not None else "",
            birth_date=summary.birth_date.isoformat() if summary.birth_date else "",
            patient_number=patient.identifier(case.member) if patient else "",
            resident_id=masked(number) if number else "",
        )


def _signatory(person: Person, name_of: Callable[[str], str]) -> Signatory:
    return Signatory(person.username, person.name, name_of(person.institution))


def _body_version(request: RenderRequest) -> Report:
    """The version whose text stands in the sections: an addendum leaves the text of the report before it as it was."""
    if request.report.kind is not VersionKind.ADDENDUM:
        return request.report
    earlier = [v for v in request.versions if v.kind is not VersionKind.ADDENDUM and v.released and v.version < request.report.version]
    return earlier[-1] if earlier else request.report


def _addenda(request: RenderRequest) -> tuple[Addendum, ...]:
    """Addenda to the text that is printed, oldest first."""
    body = _body_version(request)
    versions = {v.version: v for v in (*request.versions, request.report)}
    found = []
    for version in sorted(versions):
        v = versions[version]
        counts = v.kind is VersionKind.ADDENDUM and v.version > body.version and v.status is not ReportStatus.ENTERED_IN_ERROR
        if counts:
            writer = request.writers.get(v.author)
            written = (v.signed_at or v.updated_at).astimezone(request.network.zone)
            found.append(Addendum(str(v.sections.get(ADDENDUM.fields[0].name, "")), writer.name if writer else v.author, written))
    return tuple(found)


def _lines(form: Form, data: Mapping[str, Any], gettext: Translate) -> list[Line]:
    lines = []
    for field in form.fields:
        value = data.get(field.name)
        if is_blank(value):
            continue
        chosen = {choice.value: gettext(choice.label) for choice in field.choices}
        if field.type is FieldType.FLAG:
            shown = "✓"
        elif isinstance(value, list):
            shown = "、".join(chosen.get(str(v), str(v)) for v in value)
        else:
            shown = chosen.get(str(value), str(value)) + (f" {field.unit}" if field.unit else "")
        lines.append(Line(gettext(field.label), shown))
    return lines


def _measured(form: Form, data: Mapping[str, Any], gettext: Translate) -> list[Line]:
    return [Line(gettext(field.label), f"{data[field.name]:g} {field.unit}") for field in form.measured if data.get(field.name) is not None]


def _sections(form: Form, data: Mapping[str, Any], gettext: Translate) -> list[Section]:
    shown = [field for field in form.fields if data.get(field.name)]
    return [Section(gettext(field.label), str(data[field.name]), field.prominent) for field in shown]
