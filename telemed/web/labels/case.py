"""Words for what a case shows beside its states: the examination, what is missing, what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from telemed.domain.centre import Centre
from telemed.domain.events import CaseEvent
from telemed.domain.evidence import EvidenceType
from telemed.domain.forms import Field, Form
from telemed.domain.people import SYSTEM
from telemed.service.evidence import CONSENT
from telemed.service.leaving import LEFT, MAY_NO_LONGER
from telemed.service.ports.region import Region
from telemed.service.queries import EvidenceSummary, HistoryLine
from telemed.web.extension import WebExtension
from telemed.web.i18n import gettext, ngettext

_ = str  # marks text for the translation catalogue

NO_CONSENT: Final = _("No consent yet")

EVENTS: Final[Mapping[str, str]] = {
    CaseEvent.CREATE: _("Case made"),
    CaseEvent.EDIT: _("Request changed"),
    CaseEvent.SUBMIT: _("Sent"),
    CaseEvent.ANSWER: _("Answered"),
    CaseEvent.CANCEL: _("Cancelled"),
    CaseEvent.CONSENT: _("Consent recorded"),
    CaseEvent.EVIDENCE: _("Evidence arrived"),
    CaseEvent.EVIDENCE_GREW: _("More images arrived"),
    CaseEvent.EVIDENCE_UNLINKED: _("Study taken away: it belongs to another case"),
    CaseEvent.EVIDENCE_SET_ASIDE: _("File taken away: it is another person's"),
    CaseEvent.EVIDENCE_TAKEN_UP: _("File given to this case by the operator"),
    CaseEvent.IDENTITY_DIFFERS: _("A file states another patient"),
    CaseEvent.IDENTITY_SETTLED: _("Confirmed: the file is of the same person"),
    CaseEvent.EVIDENCE_CORRECTED: _("Particulars of the study corrected"),
    CaseEvent.PROCEDURE_BEGUN: _("Examination begun"),
    CaseEvent.PROCEDURE_DONE: _("Examination done"),
    CaseEvent.PROCEDURE_BROKEN_OFF: _("Examination broken off"),
    CaseEvent.EVIDENCE_COMPLETE: _("All images have arrived"),
    CaseEvent.STUDY_SENT: _("Study sent to"),
    CaseEvent.PRIORS_FETCHED: _("Earlier studies fetched"),
    CaseEvent.PATIENT_MATCHED: _("The patient is known to another institution too"),
    CaseEvent.PATIENT_DOUBTED: _("Another institution joined records; the operator decides whether they are one person"),
    CaseEvent.PATIENT_JOINED: _("The operator joined records of the patient"),
    CaseEvent.PATIENT_SPLIT: _("A record of another institution belongs to another person"),
    CaseEvent.OFFER: _("Offered to"),
    CaseEvent.CLAIM: _("Claimed"),
    CaseEvent.WRITE: _("Report begun"),
    CaseEvent.RELEASE: _("Given back to the list"),
    CaseEvent.PARK: _("Set aside"),
    CaseEvent.RESUME: _("Taken up again"),
    CaseEvent.REASSIGN: _("Handed to"),
    CaseEvent.DECLINE: _("Declined"),
    CaseEvent.ESCALATE: _("Sent further up"),
    CaseEvent.ACCEPT_MISSED: _("Not claimed in time; stays here"),
    CaseEvent.EXPIRE: _("Not claimed in time"),
    CaseEvent.RETURN: _("Sent back for information"),
    CaseEvent.FAIL: _("Nobody took it"),
    CaseEvent.SIGN: _("Signed"),
    CaseEvent.REVIEW: _("Reviewed and released"),
    CaseEvent.SEND_BACK: _("Sent back to the author"),
    CaseEvent.AMEND: _("Amendment opened"),
    CaseEvent.APPEND: _("Addendum opened"),
    CaseEvent.DISCARD: _("New version thrown away"),
    CaseEvent.ACKNOWLEDGE: _("Received by the member"),
    CaseEvent.CRITICAL_DECLARE: _("Critical value declared"),
    CaseEvent.CRITICAL_TELL: _("Critical value told to"),
    CaseEvent.CRITICAL_ACKNOWLEDGE: _("Critical value acknowledged"),
    CaseEvent.CRITICAL_ACT: _("Critical value acted on"),
    CaseEvent.CRITICAL_WITHDRAW: _("Critical value withdrawn"),
    CaseEvent.CRITICAL_RISE: _("Critical value raised"),
    CaseEvent.MEASURE: _("Measurement changed"),
}
"""Actions of a case's history (HistoryLine.action) that the platform itself writes."""

ACTORS: Final = {SYSTEM: _("the platform")}
"""Who acts without being a person."""

DETAILS: Final = ("reason", "note", "finding", "whom", "to", "hub", "instances", "name", "action")
"""What of a line's detail a person wants to read, the most telling first."""


WITHOUT_A_PERSON: Final = {
    "idle": _("nobody worked on it"),
    LEFT: _("the reader has left"),
    MAY_NO_LONGER: _("the reader may no longer read it"),
}
"""Why the platform took a case out of a reader's hands."""


def missing_words(region: Region, kinds: Sequence[str]) -> list[str]:
    """Return a sentence for each kind of evidence, and for consent, that the hub still waits for."""
    known = region.evidence
    return [gettext(NO_CONSENT if kind == CONSENT else known[EvidenceType(kind)].missing) for kind in kinds]


def shown(value: Any) -> str:
    """A measurement's name or number, or a dash."""
    return "–" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class CaseLabels:
    """Labels of events and of actors that are no people, those of the centres among them; to be translated."""

    events: Mapping[str, str]
    actors: Mapping[str, str]

    def event(self, line: HistoryLine) -> str:
        """Return the event in the reader's language."""
        return gettext(self.events.get(line.action, line.action))

    def actor_names(self) -> dict[str, str]:
        """Return the actors by code, in the reader's language."""
        return {name: gettext(text) for name, text in self.actors.items()}


def case_labels(extensions: Sequence[WebExtension]) -> CaseLabels:
    """Return the platform's labels with those of the centres."""
    events = {str(action): label for extension in extensions for action, label in extension.event_labels.items()}
    actors = {name: label for extension in extensions for name, label in extension.actor_labels.items()}
    return CaseLabels({**EVENTS, **events}, {**ACTORS, **actors})


def event_detail(line: HistoryLine) -> str:
    """The part of the detail that a person wants to read, or nothing."""
    if line.action == CaseEvent.MEASURE:
        return " ".join(shown(line.detail.get(name)) for name in ("measure", "before")) + " → " + shown(line.detail.get("after"))
    said = next((str(line.detail[name]) for name in DETAILS if line.detail.get(name)), "")
    return gettext(WITHOUT_A_PERSON[said]) if line.actor == SYSTEM and said in WITHOUT_A_PERSON else said


def shown_value(field: Field, value: Any) -> str:
    """A value of a form in words: labels of choices, yes for a flag."""
    labels = {choice.value: gettext(choice.label) for choice in field.choices}
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, list):
        return ", ".join(labels.get(str(each), str(each)) for each in value)
    text = labels.get(str(value), str(value))
    return f"{text} {field.unit}".strip() if field.unit else text.replace("T", " ", 1) if field.type == "date-time" else text


def answers(form: Form, data: Mapping[str, Any], *, without: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """A filled-in form as label and text, in the form's order; what was left empty is left out."""
    filled = [(field, data.get(field.name)) for field in form.fields if field.name not in without]
    return [(gettext(field.label), shown_value(field, value)) for field, value in filled if value not in (None, "", [], False)]


def examination(centre: Centre, request: Mapping[str, Any]) -> str:
    """Return what is to be read, short: `CT Head`, `Frozen section breast`."""
    fields = [field for name in centre.headline_fields if name != "reason" and (field := centre.request_form.field(name))]
    words = " ".join(shown_value(field, request[field.name]) for field in fields if request.get(field.name))
    return words or gettext(centre.name)


def evidence_words(summary: EvidenceSummary) -> str:
    """Return what has arrived, short: `40 images`, `2 files`; nothing where nothing has."""
    if summary.instances:
        return ngettext("%(num)d image", "%(num)d images", summary.instances) % {"num": summary.instances}
    pieces = sum(summary.pieces.values())
    return ngettext("%(num)d file", "%(num)d files", pieces) % {"num": pieces} if pieces else ""
