"""The rules of routing in words: why a hub is asked, passed over, or kept for later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telemed.domain.routing import Outcome, RouteStep, Rule
from telemed.web.i18n import gettext

_ = str  # marks text for the translation catalogue

RULES = {
    Rule.HOME_HUB: _("is the member's own sub-hub for this centre"),
    Rule.PARENT_HUB: _("is the next hub up"),
    Rule.NOT_COVERED: _("does not read this modality or speciality"),
    Rule.NOBODY_ON_DUTY: _("has nobody on duty at this time"),
    Rule.OWN_HUB: _("is the asking institution itself"),
    Rule.DECLINED: _("takes over: the hub before declined"),
    Rule.ACCEPT_DEADLINE_MISSED: _("takes over: the hub before let the accept deadline pass"),
    Rule.ESCALATED: _("was asked by the hub below"),
    Rule.ASSIGNED_BY_OPERATOR: _("was named by the operator"),
}
OUTCOMES = {
    Outcome.OFFERED: ("done", "check", _("gets the case")),
    Outcome.SKIPPED: ("near", "ban", _("passed over")),
    Outcome.PLANNED: ("quiet", "circle-dashed", _("kept for later")),
    Outcome.DECLINED: ("near", "circle-x", _("declined")),
    Outcome.EXPIRED: ("near", "clock-exclamation", _("let the deadline pass")),
    Outcome.ESCALATED: ("waiting", "arrow-bar-up", _("asked further up")),
}


@dataclass(frozen=True, slots=True)
class StepWords:
    """One step of a route as a person reads it; `tone`, `icon` and `outcome` as in `appearance.Look`."""

    hub: str
    rule: str
    tone: str
    icon: str
    outcome: str
    reason: str


def rule_words(rule: str) -> str:
    """The rule in the language of the request; a rule of a later version shows its code."""
    return gettext(RULES[Rule(rule)]) if rule in Rule.__members__.values() else rule


def in_words(route: Sequence[RouteStep]) -> list[StepWords]:
    found = []
    for step in route:
        tone, icon, outcome = OUTCOMES[step.outcome]
        found.append(StepWords(step.hub, rule_words(step.rule), tone, icon, gettext(outcome), step.reason))
    return found
