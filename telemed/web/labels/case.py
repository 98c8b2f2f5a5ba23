"""Words for what a case shows beside its states: the examination, what is missing, what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from telemed.domain.centre import Centre
from telemed.domain.evidence import EvidenceType
from telemed.domain.forms import Field, Form
from telemed.service.evidence import CONSENT
from telemed.service.ports.region import Region
from telemed.service.queries import EvidenceSummary, HistoryLine
from telemed.web.extension import WebExtension
from telemed.web.i18n import gettext, ngettext

_ = str  # marks text for the translation catalogue

NO_CONSENT: Final = _("No consent yet")

EVENTS: Final = {
    "create": _("Case made"),
    "edit": _("Request changed"),
    "submit": _("Sent"),
    "answer": _("Answered"),
    "cancel": _("Cancelled"),
    "consent": _("Consent recorded"),
    "evidence": _("Evidence arrived"),
    "evidence-grew": _("More images arrived"),
    "evidence-unlinked": _("Study taken away: it belongs to another case"),
    "evidence-corrected": _("Particulars of the study corrected"),
    "procedure-begun": _("Examination begun"),
    "procedure-done": _("Examination done"),
    "procedure-broken-off": _("Examination broken off"),
    "evidence-complete": _("All images have arrived"),
    "study-sent": _("Study sent to"),
    "priors-fetched": _("Earlier studies fetched"),
    "offer": _("Offered to"),
    "claim": _("Claimed"),
    "write": _("Report begun"),
    "release": _("Given back to the list"),
    "park": _("Set aside"),
    "resume": _("Taken up again"),
    "reassign": _("Handed to"),
    "decline": _("Declined"),
    "escalate": _("Sent further up"),
    "expire": _("Not claimed in time"),
    "return": _("Sent back for information"),
    "fail": _("Nobody took it"),
    "sign": _("Signed"),
    "review": _("Reviewed and released"),
    "send-back": _("Sent back to the author"),
    "amend": _("Amendment opened"),
    "append": _("Addendum opened"),
    "discard": _("New version thrown away"),
    "acknowledge": _("Received by the member"),
    "critical-declare": _("Critical value declared"),
    "critical-tell": _("Critical value told to"),
    "critical-acknowledge": _("Critical value acknowledged"),
    "critical-act": _("Critical value acted on"),
    "critical-withdraw": _("Critical value withdrawn"),
    "critical-rise": _("Critical value raised"),
    "measure": _("Measurement changed"),
}
"""Actions of a case's history (HistoryLine.action)."""

SYSTEM: Final = "system"

ACTORS: Final = {SYSTEM: _("the platform")}
"""Who acts without being a person."""

DETAILS: Final = ("reason", "note", "finding", "whom", "to", "hub", "instances", "name", "action")
"""What of a line's detail a person wants to read, the most telling first."""


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
    events = {action: label for extension in extensions for action, label in extension.event_labels.items()}
    actors = {name: label for extension in extensions for name, label in extension.actor_labels.items()}
    return CaseLabels(EVENTS | events, ACTORS | actors)


def event_detail(line: HistoryLine) -> str:
    """The part of the detail that a person wants to read, or nothing."""
    if line.action == "measure":
        return " ".join(shown(line.detail.get(name)) for name in ("measure", "before")) + " → " + shown(line.detail.get("after"))
    return next((str(line.detail[name]) for name in DETAILS if line.detail.get(name)), "")


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
    """What is to be read, short: `CT Head`, `Frozen section breast`."""
    fields = [field for name in centre.headline_fields if name != "reason" and (field := centre.request_form.field(name))]
    words = " ".join(shown_value(field, request[field.name]) for field in fields if request.get(field.name))
    return words or gettext(centre.name)


def evidence_words(summary: EvidenceSummary) -> str:
    """What has arrived, short: `40 images`, `2 files`; nothing where nothing has."""
    if summary.instances:
        return ngettext("%(num)d image", "%(num)d images", summary.instances) % {"num": summary.instances}
    pieces = sum(summary.pieces.values())
    return ngettext("%(num)d file", "%(num)d files", pieces) % {"num": pieces} if pieces else ""
