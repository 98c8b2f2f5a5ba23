"""Notices: lines of a case's history that somebody else wrote and that ask for, or answer, something of the person who is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from telemed.domain.events import CaseEvent


class Audience(StrEnum):
    """`member`: the institution that asked. `readers`: who holds, wrote or reviewed the case. `operator`: the network's."""

    MEMBER = "member"
    READERS = "readers"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """A line with this action (and, where one is named, this state of the case after it) concerns the audience."""

    action: CaseEvent
    audience: frozenset[Audience]
    status: str = ""


def _to(*audience: Audience) -> frozenset[Audience]:
    return frozenset(audience)


MEMBER, READERS, OPERATOR = Audience
NOTICES: tuple[NoticeRule, ...] = (
    NoticeRule(CaseEvent.RETURN, _to(MEMBER)),
    NoticeRule(CaseEvent.SIGN, _to(MEMBER), "completed"),
    NoticeRule(CaseEvent.REVIEW, _to(MEMBER, READERS), "completed"),
    NoticeRule(CaseEvent.FAIL, _to(MEMBER, OPERATOR)),
    NoticeRule(CaseEvent.CRITICAL_DECLARE, _to(MEMBER)),
    NoticeRule(CaseEvent.CRITICAL_RISE, _to(MEMBER, READERS, OPERATOR)),
    NoticeRule(CaseEvent.CRITICAL_WITHDRAW, _to(MEMBER)),
    NoticeRule(CaseEvent.CRITICAL_ACKNOWLEDGE, _to(READERS)),
    NoticeRule(CaseEvent.CRITICAL_ACT, _to(READERS)),
    NoticeRule(CaseEvent.ANSWER, _to(READERS)),
    NoticeRule(CaseEvent.CANCEL, _to(READERS)),
    NoticeRule(CaseEvent.EVIDENCE_UNLINKED, _to(MEMBER, READERS)),
    NoticeRule(CaseEvent.EVIDENCE_SET_ASIDE, _to(MEMBER, READERS, OPERATOR)),
    NoticeRule(CaseEvent.IDENTITY_DIFFERS, _to(MEMBER, READERS)),
    NoticeRule(CaseEvent.EVIDENCE_CORRECTED, _to(MEMBER, READERS)),
    NoticeRule(CaseEvent.PATIENT_DOUBTED, _to(MEMBER)),
    NoticeRule(CaseEvent.PATIENT_JOINED, _to(MEMBER)),
    NoticeRule(CaseEvent.PATIENT_SPLIT, _to(MEMBER)),
    NoticeRule(CaseEvent.REASSIGN, _to(READERS)),
    NoticeRule(CaseEvent.SEND_BACK, _to(READERS)),
)


def rules_for(audience: Audience) -> tuple[NoticeRule, ...]:
    return tuple(rule for rule in NOTICES if audience in rule.audience)


ACTIONS = frozenset(rule.action for rule in NOTICES)
"""A line with another action concerns nobody."""
