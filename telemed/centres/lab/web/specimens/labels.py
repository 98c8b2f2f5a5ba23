"""Words of specimens and boxes in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from telemed.centres.lab.specimens.containers import CONTAINERS
from telemed.centres.lab.specimens.domain import NO_NAME, BoxView, SpecimenEvent
from telemed.centres.lab.specimens.holds import WORDS, Hold
from telemed.centres.lab.specimens.ports import LabelLine
from telemed.centres.lab.specimens.registering import SpecimenView
from telemed.centres.lab.specimens.states import BOX_WORDS, CONDITION_WORDS, REJECT_REASONS, SPECIMEN_WORDS, Condition
from telemed.domain.errors import FieldError
from telemed.domain.events import EventKind
from telemed.service.table_export import Column, Sheet, SheetTable
from telemed.web.appearance import Look
from telemed.web.dates import show_exact
from telemed.web.i18n import current_language, gettext
from telemed.web.problems import fault_text

_ = str  # marks text for the translation catalogue

EVENTS: Final[Mapping[EventKind, str]] = {
    SpecimenEvent.REGISTER: _("Tubes labelled"),
    SpecimenEvent.RECEIVE: _("Tube received"),
    SpecimenEvent.REJECT: _("Tube rejected"),
}

BOX_LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "draft": ("quiet", "pencil"),
    "ready": ("waiting", "hourglass"),
    "sent": ("near", "send"),
    "in-transit": ("waiting", "send"),
    "partially-received": ("near", "download"),
    "received": ("waiting", "download"),
    "reconciled": ("done", "check"),
    "cancelled": ("quiet", "ban"),
    "lost": ("critical", "alert-octagon"),
}
"""Tone and icon by state of a box."""

CONDITION_LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "good": ("done", "check"),
    "damaged": ("near", "alert-triangle"),
    "leaked": ("near", "alert-triangle"),
    "missing": ("critical", "alert-octagon"),
    "rejected": ("critical", "ban"),
}


def box_look(state: str) -> Look:
    """Tone, icon and word of a box's state."""
    words = {each.value: word for each, word in BOX_WORDS.items()}
    return Look(*BOX_LOOKS[state], words[state])


def condition_look(condition: str) -> Look:
    """Tone, icon and word of how a tube came."""
    words = {each.value: word for each, word in CONDITION_WORDS.items()}
    return Look(*CONDITION_LOOKS[condition], words[condition])


def hold_text(hold: Hold) -> str:
    """A reason to hold results, with what it compared."""
    detail = gettext(REJECT_REASONS[hold.detail]) if hold.code == "rejected" and hold.detail in REJECT_REASONS else hold.detail
    return f"{gettext(WORDS[hold.code])} ({detail})" if detail else gettext(WORDS[hold.code])


def facts_text(facts: Mapping[str, str]) -> str:
    """What stands beside a scan: the container, the condition with its reason, the box it is in, why it was refused."""
    container = CONTAINERS.get(facts.get("container", ""))
    condition = facts.get("condition", "")
    states = {each.value: word for each, word in (*BOX_WORDS.items(), *SPECIMEN_WORDS.items())}
    why, reason = facts.get("why", ""), facts.get("reason", "")
    parts = (
        gettext(container.name) if container else "",
        gettext(CONDITION_WORDS[Condition(condition)]) if condition not in ("", "good") else "",
        gettext(REJECT_REASONS[reason]) if reason in REJECT_REASONS else reason,
        facts.get("box", ""),
        gettext(states[why]) if why in states else why,
        fault_text(FieldError(facts["field"], facts["fault"], facts["expected"])) if "fault" in facts else "",
    )
    return " · ".join(part for part in parts if part)


SEXES: Final[Mapping[str, str]] = {"male": _("Male"), "female": _("Female")}


def label_line(view: SpecimenView) -> LabelLine:
    """What stands on a tube's label."""
    tube, case = view.specimen, view.case
    container = CONTAINERS[tube.container]
    person: list[str] = []
    if case is not None:
        sex = gettext(SEXES[case.patient.sex]) if case.patient.sex in SEXES else ""
        born = case.patient.birth_date.isoformat() if case.patient.birth_date else ""
        person = [part for part in (case.patient.name, sex, born) if part]
    further = case.accession_number if case is not None else ""
    return LabelLine(tube.number, " ".join(person), gettext(container.name), gettext(container.cap) if container.cap else "", further)


def manifest_sheet(view: BoxView, member: str, hub: str) -> Sheet:
    """The manifest of a box in the reader's words."""
    box = view.box
    given = [each for each in view.handovers if each.side.value == "given"]
    facts = [
        f"{member} → {hub}",
        f"{gettext('Temperature')} {box.temperature} ℃",
        f"{gettext('Given')} {show_exact(box.sent_at)}" if box.sent_at else "",
        *(f"{gettext('Courier')} {each.courier} · {gettext('Seal')} {each.seal}" for each in given),
    ]
    columns = (
        Column(gettext("Tube"), share=1.4),
        Column(gettext("Patient"), share=1.6),
        Column(gettext("Accession number"), share=1.6),
        Column(gettext("Container"), share=1.4),
        Column(gettext("Collected"), share=1.6),
        Column(gettext("Condition"), share=1.4),
    )
    rows = []
    for content in view.contents:
        tube = view.specimens[content.number]
        name = view.names.get(tube.case_id, NO_NAME)
        condition = gettext(CONDITION_WORDS[content.condition]) if content.condition else ""
        reason = gettext(REJECT_REASONS[content.reason]) if content.reason in REJECT_REASONS else content.reason
        extra = gettext("not on the manifest") if content.unexpected else ""
        said = " · ".join(part for part in (condition, reason, extra) if part)
        container = gettext(CONTAINERS[tube.container].name)
        rows.append([tube.number, name.patient, name.accession_number, container, show_exact(tube.collected_at), said])
    title = gettext("Manifest of box %s") % box.id
    subtitle = "\n".join(part for part in facts if part)
    table = SheetTable(gettext("Tubes"), columns, rows)
    return Sheet(title, subtitle, (table,), current_language(), gettext("The box is empty."))
