"""The look of a state: a tone, an icon and a word, so that colour never speaks alone.

Tones: ``quiet`` grey, ``waiting`` blue, ``near`` amber, ``critical`` red, ``done`` green. Icons are symbols of
``static/icons.svg``. Keys are the FHIR R4 codes that the domain uses (Task.status, DiagnosticReport.status,
Request.priority).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_ = str  # marks text for the translation catalogue


@dataclass(frozen=True)
class Look:
    """A tone of ``telemed.css``, the name of an icon, and a message id."""

    tone: str
    icon: str
    word: str


CASE_STATES: Final = {
    "draft": Look("quiet", "circle-dashed", _("Draft")),
    "requested": Look("waiting", "hourglass", _("Waiting")),
    "accepted": Look("waiting", "user-check", _("Claimed")),
    "in-progress": Look("waiting", "pencil", _("Reading")),
    "on-hold": Look("near", "arrow-back-up", _("Sent back")),
    "rejected": Look("near", "ban", _("Declined")),
    "completed": Look("done", "circle-check", _("Completed")),
    "cancelled": Look("quiet", "circle-x", _("Cancelled")),
    "failed": Look("critical", "alert-octagon", _("Nobody took it")),
}

REPORT_STATES: Final = {
    "partial": Look("quiet", "pencil", _("Draft report")),
    "preliminary": Look("waiting", "hourglass", _("Awaiting review")),
    "final": Look("done", "circle-check", _("Final")),
    "amended": Look("done", "history", _("Amended")),
    "appended": Look("done", "plus", _("With addendum")),
    "entered-in-error": Look("critical", "ban", _("Entered in error")),
}

RESULTS: Final = {
    "negative": Look("done", "circle-check", _("Negative")),
    "positive": Look("near", "flag", _("Positive")),
    "not-judged": Look("quiet", "circle-dashed", _("Not judged")),
}

PRIORITIES: Final = {
    "stat": Look("stat", "bolt", _("STAT")),
    "asap": Look("urgent", "flag", _("ASAP")),
    "urgent": Look("urgent", "flag", _("Urgent")),
    "routine": Look("routine", "", _("Routine")),
}

SEXES: Final = {"male": _("M"), "female": _("F"), "other": _("Other sex"), "unknown": _("Sex unknown")}


def case_state(status: str) -> Look:
    """The look of a case in a state; a state that is not in the table shows its code, plainly."""
    return CASE_STATES.get(status, Look("quiet", "info-circle", status))


def report_state(status: str) -> Look:
    """The look of a report in a state."""
    return REPORT_STATES.get(status, Look("quiet", "info-circle", status))


def result(code: str) -> Look:
    """The look of a report's result."""
    return RESULTS.get(code, Look("quiet", "info-circle", code))


def priority(code: str) -> Look:
    """The look of a priority."""
    return PRIORITIES.get(code, Look("routine", "", code))


def sex(code: str | None) -> str:
    """The message id for an administrative gender (FHIR), or an empty text."""
    return SEXES.get(code or "", "")
