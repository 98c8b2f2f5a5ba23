"""What a person is told of: lines of a case's history that somebody else wrote and that ask for, or answer, something of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """`member`: the institution that asked. `readers`: who holds, wrote or reviewed the case. `operator`: the network's."""

    MEMBER = "member"
    READERS = "readers"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """A line with this action (and, where one is named, this state of the case after it) concerns the audience."""

    action: str
    audience: frozenset[Audience]
    status: str = ""


def _to(*audience: Audience) -> frozenset[Audience]:
    return frozenset(audience)


MEMBER, READERS, OPERATOR = Audience
NOTICES: tuple[NoticeRule, ...] = (
    NoticeRule("return", _to(MEMBER)),
    NoticeRule("sign", _to(MEMBER), "completed"),
    NoticeRule("review", _to(MEMBER, READERS), "completed"),
    NoticeRule("fail", _to(MEMBER, OPERATOR)),
    NoticeRule("critical-declare", _to(MEMBER)),
    NoticeRule("critical-rise", _to(MEMBER, READERS, OPERATOR)),
    NoticeRule("critical-withdraw", _to(MEMBER)),
    NoticeRule("critical-acknowledge", _to(READERS)),
    NoticeRule("critical-act", _to(READERS)),
    NoticeRule("answer", _to(READERS)),
    NoticeRule("cancel", _to(READERS)),
    NoticeRule("evidence-unlinked", _to(MEMBER, READERS)),
    NoticeRule("evidence-corrected", _to(MEMBER, READERS)),
    NoticeRule("reassign", _to(READERS)),
    NoticeRule("send-back", _to(READERS)),
)


def rules_for(audience: Audience) -> tuple[NoticeRule, ...]:
    return tuple(rule for rule in NOTICES if audience in rule.audience)


ACTIONS = frozenset(rule.action for rule in NOTICES)
"""A line with another action concerns nobody."""
