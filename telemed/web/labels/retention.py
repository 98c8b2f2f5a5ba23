"""Words for what is kept, for how long and on what ground, for requests of erasure and why they are refused."""

from __future__ import annotations

from collections.abc import Sequence

from telemed.domain.errors import NotDue, UnderHold
from telemed.domain.retention import Basis, RecordKind, RetentionRule
from telemed.service.ports.retention import ErasureState
from telemed.service.retention import DueGroup
from telemed.web.appearance import Look
from telemed.web.i18n import gettext

_ = str  # marks text for the translation catalogue

KINDS = {
    RecordKind.CASE: _("Cases"),
    RecordKind.PATIENT: _("Patients' records with all their cases"),
    RecordKind.STUDY: _("Studies without a case"),
    RecordKind.FILE: _("Files that were set aside"),
    RecordKind.QUARANTINE: _("DICOM objects that could not be read"),
}

BASES = {
    Basis.LAW: Look("done", "check", _("law")),
    Basis.UNCONFIRMED: Look("near", "alert-triangle", _("text not confirmed")),
    Basis.PRACTICE: Look("quiet", "note", _("practice")),
}

STATES = {
    ErasureState.WAITING: Look("waiting", "hourglass", _("waits")),
    ErasureState.ERASING: Look("waiting", "hourglass", _("being erased")),
    ErasureState.DONE: Look("done", "check", _("erased")),
    ErasureState.KEPT: Look("near", "lock", _("kept")),
}

NOT_DUE = _("%(subject)s is kept until the end of %(day)s: ask again after that day.")
NOT_FINISHED = _("%(subject)s is not finished: somebody still works on it. Have it answered or withdrawn first.")
HELD = _("%(subject)s is under hold: it is erased after the operator has lifted the hold.")
HELD_UNTIL = _("%(subject)s is under hold until the end of %(day)s: ask again after that day, or have the operator lift it.")


def refusal_text(refusal: NotDue | UnderHold) -> str:
    """Why a record is not erased, and what to do."""
    match refusal:
        case NotDue(finished=False):
            return gettext(NOT_FINISHED) % {"subject": refusal.subject}
        case NotDue():
            return gettext(NOT_DUE) % {"subject": refusal.subject, "day": refusal.kept_until.isoformat()}
        case UnderHold(until=None):
            return gettext(HELD) % {"subject": refusal.subject}
        case UnderHold():
            return gettext(HELD_UNTIL) % {"subject": refusal.subject, "day": refusal.until}


def source_text(rule: RetentionRule) -> str:
    """The source of a rule: a law by its own name, our own choice in the reader's language."""
    return gettext(rule.source) if rule.basis is Basis.PRACTICE else rule.source


def by_month(due: Sequence[DueGroup]) -> list[tuple[RecordKind, int, list[DueGroup]]]:
    """Return what is due by kind, with the sum of each."""
    groups = [(kind, [group for group in due if group.kind is kind]) for kind in RecordKind]
    return [(kind, sum(group.count for group in some), some) for kind, some in groups if some]
