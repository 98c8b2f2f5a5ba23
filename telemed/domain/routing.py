"""The route of a case: every step keeps the rule that chose it.

Source of the rules: the network's own: a case goes to the member's sub-hub first and rises when the sub-hub does not cover
the speciality or modality, has nobody on duty, declines, lets the accept deadline pass, or asks for consultation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from telemed.domain.network import HubService, Network


class Rule(StrEnum):
    """Why a hub is on the route, or why it was passed over."""

    HOME_HUB = "home-hub"
    PARENT_HUB = "parent-hub"
    NOT_COVERED = "not-covered"
    NOBODY_ON_DUTY = "nobody-on-duty"
    OWN_HUB = "own-hub"
    DECLINED = "declined"
    ACCEPT_DEADLINE_MISSED = "accept-deadline-missed"
    ESCALATED = "escalated"
    ASSIGNED_BY_OPERATOR = "assigned-by-operator"


class Outcome(StrEnum):
    """The outcome of a step: still ahead, offered now, passed over, or gone by."""

    PLANNED = "planned"
    OFFERED = "offered"
    SKIPPED = "skipped"
    DECLINED = "declined"
    EXPIRED = "expired"
    ESCALATED = "escalated"


PASSED = frozenset({Outcome.SKIPPED, Outcome.DECLINED, Outcome.EXPIRED, Outcome.ESCALATED})


@dataclass(frozen=True, slots=True)
class RouteStep:
    """One hub on the way: the rule that put it there, the outcome so far, since when, and the reason given by a person."""

    hub: str
    rule: str
    outcome: Outcome = Outcome.PLANNED
    at: datetime | None = None
    reason: str = ""


def obstacle(service: HubService, member: str, need: str, moment: datetime) -> Rule | None:
    """Why this hub cannot be offered the case now; None where it can. `moment` is in region time."""
    if service.hub == member:
        return Rule.OWN_HUB
    if service.covers is not None and need and need not in service.covers:
        return Rule.NOT_COVERED
    if not service.on_duty(moment):
        return Rule.NOBODY_ON_DUTY
    return None


def plan(network: Network, centre: str, member: str, need: str, now: datetime) -> tuple[RouteStep, ...]:
    """The whole way up, nearest hub first; the first hub without an obstacle is offered the case.

    `need` is the modality or speciality asked for (empty: any). A hub that is off duty now is passed over while a
    higher one is on duty; a route on which nobody can take the case comes back without an offered step.
    """
    moment = now.astimezone(network.zone)
    steps: list[RouteStep] = []
    offered = False
    for place, service in enumerate(network.chain(centre, member)):
        rule = Rule.HOME_HUB if place == 0 else Rule.PARENT_HUB
        blocked = obstacle(service, member, need, moment)
        if blocked is Rule.OWN_HUB:
            continue
        if not offered and blocked is None:
            steps.append(RouteStep(service.hub, rule, Outcome.OFFERED, now))
            offered = True
        elif blocked and not offered:
            steps.append(RouteStep(service.hub, blocked, Outcome.SKIPPED, now))
        else:
            steps.append(RouteStep(service.hub, rule))
    return tuple(steps)


def current(route: Iterable[RouteStep]) -> RouteStep | None:
    """The step that is offered now."""
    return next((step for step in route if step.outcome is Outcome.OFFERED), None)


def advance(
    network: Network,
    centre: str,
    member: str,
    need: str,
    route: tuple[RouteStep, ...],
    outcome: Outcome,
    rule: Rule,
    reason: str,
    now: datetime,
) -> tuple[RouteStep, ...]:
    """Leave the offered hub with `outcome` and offer the case to the next planned one that can take it.

    Where no later hub can take it, the route comes back without an offered step: the case has failed and a person is told.
    """
    moment = now.astimezone(network.zone)
    steps: list[RouteStep] = []
    left = offered = False
    for step in route:
        if step.outcome is Outcome.OFFERED:
            steps.append(replace(step, outcome=outcome, reason=reason))
            left = True
        elif left and not offered and step.outcome is Outcome.PLANNED:
            service = network.service(centre, step.hub)
            blocked = Rule.NOT_COVERED if service is None else obstacle(service, member, need, moment)
            if blocked:
                steps.append(replace(step, rule=blocked, outcome=Outcome.SKIPPED, at=now))
            else:
                steps.append(replace(step, rule=rule, outcome=Outcome.OFFERED, at=now))
                offered = True
        else:
            steps.append(step)
    return tuple(steps)


def assign(route: tuple[RouteStep, ...], hub: str, reason: str, now: datetime) -> tuple[RouteStep, ...]:
    """The operator names the hub: an offered step is put at the end, an earlier offer counts as passed over."""
    kept = tuple(replace(s, outcome=Outcome.SKIPPED) if s.outcome in (Outcome.OFFERED, Outcome.PLANNED) else s for s in route)
    return (*kept, RouteStep(hub, Rule.ASSIGNED_BY_OPERATOR, Outcome.OFFERED, now, reason))
