"""A centre as data: its forms, deadlines, evidence and phrases. Each centre is one file in `telemed/centres`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telemed.domain.contradictions import SHARED, ContradictionRule
from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import EvidenceKind, FileKind
from telemed.domain.forms import Form
from telemed.domain.report import Result
from telemed.domain.retention import RetentionRule


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text block for the report form: `section` it belongs in, `title` in the picker, `text` inserted."""

    section: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """A report written beforehand: a text for each section of the report form.

    `when` maps fields of the request to the values that the template is for (empty: every request). `normal` marks the
    report of nothing found, which one key fills in: it must never name a part of the body that was not asked for.
    """

    title: str
    sections: Mapping[str, str]
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)
    normal: bool = False

    def fits(self, request: Mapping[str, Any]) -> bool:
        return all(str(request.get(name, "")).upper() in values for name, values in self.when.items())


@dataclass(frozen=True, slots=True)
class Centre:
    """One centre as data.

    `letter` begins its accession numbers, `report_title` stands on top of its printed reports. `need` names the request
    field that a hub must cover (modality, speciality). `expected` is the evidence without which a case is shown as
    incomplete. `headline_fields` make the worklist's short text. `purpose` says in a line what the centre is for;
    `return_reasons` are ready words for a hub that asks the member for more, `send_back_reasons` for a reviewer who does not
    agree, `actions_taken` for what was done about a critical value, besides those of every centre (practice). All are message ids.
    `results` are those that its reports may have; empty where an answer is neither negative nor positive. `contradictions` are the
    centre's own rules of what does not go together in a report, besides those of every centre. `retention` are rules that ask for a period
    of their own, besides those of every record: the longest holds.
    """

    code: str
    letter: str
    name: str
    report_title: str
    icon: str
    order: int
    request_form: Form
    report_form: Form
    deadlines: tuple[DeadlineRule, ...]
    purpose: str = ""
    need: str = ""
    expected: EvidenceKind | None = None
    consent_wanted: bool = False
    file_kinds: tuple[FileKind, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    headline_fields: tuple[str, ...] = ("reason",)
    critical_findings: tuple[str, ...] = ()
    return_reasons: tuple[str, ...] = ()
    actions_taken: tuple[str, ...] = ()
    send_back_reasons: tuple[str, ...] = ()
    claim_idle_minutes: int = 30
    results: tuple[Result, ...] = (Result.NEGATIVE, Result.POSITIVE)
    contradictions: tuple[ContradictionRule, ...] = ()
    templates: tuple[Template, ...] = ()
    retention: tuple[RetentionRule, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    """Roles of an installation that the centre brings: the module of each, by its name for `telemed serve`."""
    region_settings: tuple[str, ...] = ()
    """Names of the region's settings that the centre reads."""

    @property
    def needs(self) -> frozenset[str] | None:
        """What a hub of the centre may cover: the choices of the field that `need` names; None where anything may stand there."""
        asked = next((each for each in self.request_form.fields if each.name == self.need), None)
        return None if asked is None or asked.open_choice else frozenset(choice.value for choice in asked.choices)

    def need_of(self, request: Mapping[str, Any]) -> str:
        return str(request.get(self.need, "")).upper() if self.need else ""

    @property
    def contradiction_rules(self) -> tuple[ContradictionRule, ...]:
        """The rules of every centre and the centre's own."""
        return (*SHARED, *self.contradictions)

    def templates_for(self, request: Mapping[str, Any]) -> tuple[Template, ...]:
        """The templates that fit the request, those for fewer requests first."""
        return tuple(sorted((t for t in self.templates if t.fits(request)), key=lambda t: -len(t.when)))

    def normal_for(self, request: Mapping[str, Any]) -> Template | None:
        """The report of nothing found for this request; None where no template was written for it."""
        return next((t for t in self.templates_for(request) if t.normal), None)
