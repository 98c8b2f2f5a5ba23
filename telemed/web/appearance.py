"""How a state looks: a tone, an icon and a word, so that colour never speaks alone.

Tones: ``quiet`` grey, ``waiting`` blue, ``near`` amber, ``critical`` red, ``done`` green. Icons are symbols of
``static/icons.svg``. Keys are the FHIR R4 codes that the domain uses (Task.status, DiagnosticReport.status,
Request.priority).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from telemed.web.i18n import N_


@dataclass(frozen=True)
class Look:
    """A tone of ``telemed.css``, the name of an icon, and a message id."""

    tone: str
    icon: str
    word: str


CASE_STATES: Final = {
    "draft": Look("quiet", "circle-dashed", N_("Draft")),
    "requested": Look("waiting", "hourglass", N_("Waiting")),
    "accepted": Look("waiting", "user-check", N_("Claimed")),
    "in-progress": Look("waiting", "pencil", N_("Reading")),
    "on-hold": Look("near", "arrow-back-up", N_("Sent back")),
    "rejected": Look("near", "ban", N_("Declined")),
    "completed": Look("done", "circle-check", N_("Completed")),
    "cancelled": Look("quiet", "circle-x", N_("Cancelled")),
    "failed": Look("critical", "alert-octagon", N_("Nobody took it")),
}

REPORT_STATES: Final = {
    "partial": Look("quiet", "pencil", N_("Draft report")),
    "preliminary": Look("waiting", "hourglass", N_("Awaiting review")),
    "final": Look("done", "circle-check", N_("Final")),
    "amended": Look("done", "history", N_("Amended")),
    "appended": Look("done", "plus", N_("With addendum")),
    "entered-in-error": Look("critical", "ban", N_("Entered in error")),
}

PRIORITIES: Final = {
    "stat": Look("stat", "bolt", N_("STAT")),
    "asap": Look("urgent", "flag", N_("ASAP")),
    "urgent": Look("urgent", "flag", N_("Urgent")),
    "routine": Look("routine", "", N_("Routine")),
}

CENTRES: Final = {
    "consultation": Look("quiet", "stethoscope", N_("Consultation")),
    "imaging": Look("quiet", "photo", N_("Imaging")),
    "ecg": Look("quiet", "heartbeat", N_("ECG")),
    "lab": Look("quiet", "flask", N_("Laboratory")),
    "pathology": Look("quiet", "microscope", N_("Pathology")),
}

SEXES: Final = {"male": N_("M"), "female": N_("F"), "other": N_("Other sex"), "unknown": N_("Sex unknown")}


def case_state(status: str) -> Look:
    """The look of a case in a state; a state that is not in the table shows its code, plainly."""
    return CASE_STATES.get(status, Look("quiet", "info-circle", status))


def report_state(status: str) -> Look:
    """The look of a report in a state."""
    return REPORT_STATES.get(status, Look("quiet", "info-circle", status))


def priority(code: str) -> Look:
    """The look of a priority."""
    return PRIORITIES.get(code, Look("routine", "", code))


def sex(code: str | None) -> str:
    """The message id for an administrative gender (FHIR), or an empty text."""
    return SEXES.get(code or "", "")
