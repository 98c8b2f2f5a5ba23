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
from zoneinfo import ZoneInfo

from storage.protocol import ObjectStore
from telemed.adapters.printing.report_document import Addendum, Figure, Line, ReportDocument, ReportPatient, Section, SignedBy, Table
from telemed.centres.ecg.domain import Edit, Tracing
from telemed.domain.case import Case
from telemed.domain.centre import Centre
from telemed.domain.forms import FieldType, Form, is_blank
from telemed.domain.patient import RESIDENT_ID, Patient, masked
from telemed.domain.people import Person
from telemed.domain.report import Report, ReportStatus, VersionKind
from telemed.service.ports.signer import Role, Signatory
from telemed.service.ports.unit_of_work import UnitOfWork
from telemed.service.reporting import ADDENDUM, RenderRequest, StoredPdf

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


class ReportFigureProvider(Protocol):
    """What the recordings of a case show on paper."""

    async def exhibit(
        self, document: ReportDocument, tracings: Sequence[Tracing], edits: Sequence[Sequence[Edit]]
    ) -> tuple[list[Table], list[Figure]]: ...


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


class PdfReportRenderer:
    """Implements `telemed.service.application.ReportRenderer`."""

    def __init__(
        self,
        store: ObjectStore,
        pool: Executor,
        keys: Path,
        address: str,
        language: str,
        translate: Translate,
        exhibitor: ReportFigureProvider | None = None,
    ) -> None:
        self._exhibitor = exhibitor
        self._store, self._pool, self._keys = store, pool, keys
        self._address, self._language, self._translate = address, language, translate

    async def print(self, order: RenderRequest, work: UnitOfWork) -> StoredPdf:
        """Print `order`, sign as its author and reviewer, store the PDF. The key is new each time."""
        patient = await work.patients.get(order.case.patient.id)
        names = {v.author: (await work.people.get(v.author)) for v in order.versions}
        criticals = [c.finding for c in await work.criticals.of_case(order.case.id) if c.status != "withdrawn"]
        region = work.region
        document = self._document(order, patient, region.centres[order.case.centre], criticals, names, region.network)
        document = await self._with_exhibits(document, order, work)
        steps = self._steps(order, region.network)
        loop = asyncio.get_running_loop()
        pdf = await loop.run_in_executor(self._pool, produce, document, steps, order.reviewer is not None, self._keys)
        digest = hashlib.sha256(pdf).hexdigest()
        key = f"reports/{order.case.id}/{order.report.version}-{digest[:16]}.pdf"
        await self._store.put(key, pdf, media_type="application/pdf")
        return StoredPdf(key, digest)

    async def _with_exhibits(self, document: ReportDocument, order: RenderRequest, work: UnitOfWork) -> ReportDocument:
        tracings = [tracing for tracing in await work.tracings.of_cases([order.case.id]) if tracing.readable]
        if self._exhibitor is None or not tracings:
            return document
        edits = [await work.tracings.edits(tracing.id) for tracing in tracings]
        tables, figures = await self._exhibitor.exhibit(document, tracings, edits)
        return replace(document, tables=tuple(tables), figures=tuple(figures))

    def _steps(self, order: RenderRequest, network: Any) -> tuple[SignatureStep, ...]:
        zone = network.zone
        author_at = (order.report.signed_at or order.at).astimezone(zone)
        steps = [SignatureStep("author", _signatory(order.author, network.name), self._translate(SIGNED), author_at)]
        if order.reviewer is not None:
            steps.append(
                SignatureStep("reviewer", _signatory(order.reviewer, network.name), self._translate(REVIEWED), order.at.astimezone(zone))
            )
        return tuple(steps)

    def _document(
        self,
        order: RenderRequest,
        patient: Patient | None,
        centre: Centre,
        criticals: list[str],
        people: Mapping[str, Person | None],
        network: Any,
    ) -> ReportDocument:
        case, report, say, zone = order.case, order.report, self._translate, network.zone
        body = _body_version(order)
        return ReportDocument(
            language="en" if self._language == "en" else "zh-CN",
            labels={name: say(text) for name, text in LABELS.items()},
            title=say(centre.report_title),
            centre=say(centre.name),
            hub=network.name(report.hub),
            member=network.name(case.member),
            status=report.status.value,
            version=report.version,
            patient=self._patient(case, patient),
            accession_number=case.accession_number,
            issued_at=order.at.astimezone(zone),
            verification_code=report.verification_code,
            verification_url=f"{self._address}/verify/{report.verification_code}",
            disclaimer=say(DISCLAIMER),
            request=tuple(_lines(centre.request_form, case.request, say)),
            times=tuple((say(label), at.astimezone(zone)) for label, at in ((SUBMITTED, case.submitted_at), (REPORTED, order.at)) if at),
            examination=tuple(_measured(centre.report_form, body.sections, say)),
            sections=tuple(_sections(centre.report_form.written, body.sections, say)),
            critical_value="；".join(say(finding) for finding in criticals),
            positive=report.positive,
            author=SignedBy(order.author.name, report.signed_at.astimezone(zone) if report.signed_at else None),
            reviewer=SignedBy(order.reviewer.name, order.at.astimezone(zone)) if order.reviewer else None,
            amendment_reason=report.reason if report.kind is VersionKind.AMENDMENT else "",
            addenda=_addenda(order, people, zone),
        )

    def _patient(self, case: Case, patient: Patient | None) -> ReportPatient:
        summary, say = case.patient, self._translate
        age = summary.age_on((case.submitted_at or case.created_at).date())
        number = patient.identifier(RESIDENT_ID) if patient else ""
        return ReportPatient(
            name=summary.name,
            sex=say(SEX[summary.sex]),
            age=say(AGE) % age if age is not None else "",
            birth_date=summary.birth_date.isoformat() if summary.birth_date else "",
            patient_number=patient.identifier(case.member) if patient else "",
            resident_id=masked(number) if number else "",
        )


def _signatory(person: Person, name_of: Callable[[str], str]) -> Signatory:
    return Signatory(person.username, person.name, name_of(person.institution))


def _body_version(order: RenderRequest) -> Report:
    """The version whose text stands in the sections: an addendum leaves the text of the report before it as it was."""
    if order.report.kind is not VersionKind.ADDENDUM:
        return order.report
    earlier = [v for v in order.versions if v.kind is not VersionKind.ADDENDUM and v.released and v.version < order.report.version]
    return earlier[-1] if earlier else order.report


def _addenda(order: RenderRequest, people: Mapping[str, Person | None], zone: ZoneInfo) -> tuple[Addendum, ...]:
    """Addenda to the text that is printed, oldest first."""
    body = _body_version(order)
    versions = {v.version: v for v in (*order.versions, order.report)}
    found = []
    for version in sorted(versions):
        v = versions[version]
        counts = v.kind is VersionKind.ADDENDUM and v.version > body.version and v.status is not ReportStatus.ENTERED_IN_ERROR
        if counts:
            writer = people.get(v.author)
            written = (v.signed_at or v.updated_at).astimezone(zone)
            found.append(Addendum(str(v.sections.get(ADDENDUM.fields[0].name, "")), writer.name if writer else v.author, written))
    return tuple(found)


def _lines(form: Form, data: Mapping[str, Any], say: Translate) -> list[Line]:
    lines = []
    for field in form.fields:
        value = data.get(field.name)
        if is_blank(value):
            continue
        chosen = {choice.value: say(choice.label) for choice in field.choices}
        if field.type is FieldType.FLAG:
            shown = "✓"
        elif isinstance(value, list):
            shown = "、".join(chosen.get(str(v), str(v)) for v in value)
        else:
            shown = chosen.get(str(value), str(value)) + (f" {field.unit}" if field.unit else "")
        lines.append(Line(say(field.label), shown))
    return lines


def _measured(form: Form, data: Mapping[str, Any], say: Translate) -> list[Line]:
    return [Line(say(field.label), f"{data[field.name]:g} {field.unit}") for field in form.measured if data.get(field.name) is not None]


def _sections(form: Form, data: Mapping[str, Any], say: Translate) -> list[Section]:
    shown = [field for field in form.fields if data.get(field.name)]
    return [Section(say(field.label), str(data[field.name]), field.prominent) for field in shown]
