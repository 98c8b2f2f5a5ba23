"""Actions of a case's history. The platform's own are here; a centre with evidence of its own adds an enum of its own."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """Base of the actions that a case's history may hold; has no members, so that centres may extend it."""


class CaseEvent(EventKind):
    """Actions that the platform itself writes into a case's history. Values are kept for ever: they stand in databases."""

    CREATE = "create"
    EDIT = "edit"
    SUBMIT = "submit"
    ANSWER = "answer"
    CANCEL = "cancel"
    CONSENT = "consent"
    EVIDENCE = "evidence"
    EVIDENCE_GREW = "evidence-grew"
    EVIDENCE_COMPLETE = "evidence-complete"
    EVIDENCE_UNLINKED = "evidence-unlinked"
    EVIDENCE_CORRECTED = "evidence-corrected"
    PROCEDURE_BEGUN = "procedure-begun"
    PROCEDURE_DONE = "procedure-done"
    PROCEDURE_BROKEN_OFF = "procedure-broken-off"
    STUDY_SENT = "study-sent"
    PRIORS_FETCHED = "priors-fetched"
    OFFER = "offer"
    ACCEPT_MISSED = "accept-missed"
    """The last hub of the route let its accept deadline pass, and keeps the case."""
    EXPIRE = "expire"
    FAIL = "fail"
    CLAIM = "claim"
    RELEASE = "release"
    PARK = "park"
    RESUME = "resume"
    REASSIGN = "reassign"
    DECLINE = "decline"
    ESCALATE = "escalate"
    RETURN = "return"
    WRITE = "write"
    MEASURE = "measure"
    """A reader's draft gives another number than the analysis proposed, or than the draft before it."""
    SIGN = "sign"
    REVIEW = "review"
    SEND_BACK = "send-back"
    AMEND = "amend"
    APPEND = "append"
    DISCARD = "discard"
    ACKNOWLEDGE = "acknowledge"
    CRITICAL_DECLARE = "critical-declare"
    CRITICAL_TELL = "critical-tell"
    CRITICAL_ACKNOWLEDGE = "critical-acknowledge"
    CRITICAL_ACT = "critical-act"
    CRITICAL_WITHDRAW = "critical-withdraw"
    CRITICAL_RISE = "critical-rise"
