"""What makes a centre: its forms, deadlines, evidence and phrases. Each centre is one file in `telemed/centres`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from telemed.domain.deadlines import DeadlineRule
from telemed.domain.evidence import EvidenceType, FileKind
from telemed.domain.forms import Form


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text block for the report form: `section` it belongs in, `title` in the picker, `text` inserted."""

    section: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Centre:
    """One centre as data.

    `letter` begins its accession numbers, `report_title` stands on top of its printed reports. `need` names the request
    field that a hub must cover (modality, speciality). `expected` is the evidence without which a case is shown as
    incomplete. `headline_fields` make the worklist's short text.
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
    need: str = ""
    expected: EvidenceType | None = None
    consent_wanted: bool = False
    file_kinds: tuple[FileKind, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    headline_fields: tuple[str, ...] = ("reason",)
    critical_findings: tuple[str, ...] = ()
    claim_idle_minutes: int = 30
    normal: Mapping[str, str] = field(default_factory=dict)
    facts: Callable[[bytes], dict[str, Any]] | None = None

    def need_of(self, request: Mapping[str, Any]) -> str:
        return str(request.get(self.need, "")).upper() if self.need else ""

    def headline(self, request: Mapping[str, Any]) -> str:
        return " ".join(str(request[name]) for name in self.headline_fields if request.get(name))
