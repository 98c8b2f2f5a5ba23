"""Evidence that states another patient, in words: the case and the files side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telemed.domain.identity_of_evidence import Difference, IdentityFinding, StatedIdentity, sex_of
from telemed.domain.patient import RESIDENT_ID, Sex, masked
from telemed.service.case_view import CaseView
from telemed.web.dates import show_date
from telemed.web.i18n import gettext

_ = str  # marks text for the translation catalogue

FIELDS: Mapping[Difference, str] = {
    Difference.NAME: _("Name"),
    Difference.SEX: _("Sex"),
    Difference.BIRTH_DATE: _("Born"),
    Difference.IDENTIFIERS: _("Number"),
}

SAME_REASONS = (_("Checked by telephone"), _("Registered under another spelling"), _("Registered in an emergency"))
OTHER_REASONS = (_("File of another patient"), _("Wrong patient chosen at the device"))
"""Ready words for what people type most; practice."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One particular as it is written; `differs` where it is not what the case has."""

    text: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """One identity that a piece of evidence states; `settled` says by whom it was found to be the same person."""

    evidence_id: str
    evidence: str
    cells: Sequence[Cell]
    finding: IdentityFinding
    settled: str


@dataclass(frozen=True, slots=True)
class IdentityBanner:
    """What the case has, what its files state, and whether somebody has to settle it. Without rows there is nothing to show."""

    heads: Sequence[str]
    own: Sequence[Cell]
    rows: Sequence[IdentityRow]
    open: bool
    same_reasons: Sequence[str] = SAME_REASONS
    other_reasons: Sequence[str] = OTHER_REASONS


def identity_banner(view: CaseView, names: Mapping[str, str]) -> IdentityBanner:
    """Return what is to be shown above the evidence: while something differs, whatever any file states."""
    waiting = any(finding.open for finding in view.identities)
    shown = [finding for finding in view.identities if waiting or finding.differs] if any(f.differs for f in view.identities) else []
    titles = {each.id: each.name for each in view.evidence}
    patient = view.case.patient
    identifiers = view.patient.identifiers if view.patient else ()
    numbers = ", ".join(masked(each.value) if each.system == RESIDENT_ID else each.value for each in identifiers)
    own = (patient.name, sex_words(patient.sex), show_date(patient.birth_date) if patient.birth_date else "", numbers)
    rows = [_row(finding, titles.get(finding.evidence_id, ""), names) for finding in shown]
    heads = [gettext(label) for label in FIELDS.values()]
    return IdentityBanner(heads, [Cell(text or "–") for text in own], rows, waiting)


def _row(finding: IdentityFinding, title: str, names: Mapping[str, str]) -> IdentityRow:
    texts = stated_words(finding.stated)
    cells = [Cell(text or "–", field in finding.differs) for field, text in zip(FIELDS, texts, strict=True)]
    settled = names.get(finding.settled_by, finding.settled_by) if finding.settled_by else ""
    return IdentityRow(finding.evidence_id, title, cells, finding, settled)


def stated_words(stated: StatedIdentity) -> tuple[str, str, str, str]:
    """Name, sex, birth date or age, and number as a file states them, in the order of `FIELDS`."""
    name = " / ".join(" ".join(group.replace("^", " ").split()) for group in stated.name.split("=") if group.strip("^ "))
    age = gettext("%(years)s years") % {"years": f"{stated.age_years:g}"} if stated.age_years is not None else ""
    return name, sex_words(stated.sex), stated.birth_date or age, stated.number


def sex_words(sex: str) -> str:
    """Male or female in the reader's language; what else is written, as it is."""
    known = sex_of(sex)
    if known is None:
        return "" if sex in ("", "unknown") else sex
    return gettext("Male") if known is Sex.MALE else gettext("Female")
