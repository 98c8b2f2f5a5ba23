"""What waits, by age: every step between the order and the report that is read, and how long the steps take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from telemed.centres.lab.specimens.access import CENTRE
from telemed.centres.lab.specimens.ports import AgedLine, AgedLists
from telemed.domain.errors import FieldError, Forbidden, Invalid
from telemed.domain.people import Person
from telemed.domain.policy import Action, Relation, relations
from telemed.service.ports.unit_of_work import UnitOfWork

_ = str  # marks text for the translation catalogue

MAX_LINES: Final = 200


@dataclass(frozen=True, slots=True)
class Stage:
    """One step that may be left lying. `owner` is who does the next (`member`, `courier`, `hub`); `late_after` from when it is late
    (practice of the network)."""

    code: str
    name: str
    owner: str
    late_after: timedelta


STAGES: Final[Mapping[str, Stage]] = {
    each.code: each
    for each in (
        Stage("ordered-not-collected", _("Ordered, not collected"), "member", timedelta(hours=4)),
        Stage("collected-not-boxed", _("Collected, not in a box"), "member", timedelta(hours=4)),
        Stage("boxed-not-sent", _("In a box, not given"), "member", timedelta(hours=8)),
        Stage("sent-not-taken", _("Given, not taken"), "courier", timedelta(hours=1)),
        Stage("in-transit", _("In transit"), "courier", timedelta(hours=6)),
        Stage("received-not-resulted", _("Received, no result"), "hub", timedelta(hours=24)),
        Stage("resulted-not-released", _("Result there, report not released"), "hub", timedelta(hours=24)),
        Stage("released-not-read", _("Report released, not read"), "member", timedelta(hours=24)),
    )
}

STEPS: Final[Mapping[str, str]] = {
    "ordered-to-collected": _("Order to collection"),
    "collected-to-sent": _("Collection to dispatch"),
    "sent-to-received": _("Dispatch to receipt"),
    "received-to-released": _("Receipt to report"),
    "ordered-to-released": _("Order to report"),
}


def bounds(person: Person) -> tuple[str, str]:
    """Return the member and the hub whose specimens a person may see in lists; both empty: all. Raises Forbidden."""
    allowed = relations(person, Action.SPECIMEN_LIST)
    if Relation.FOREIGN in allowed:
        return "", ""
    if Relation.OWN in allowed:
        return person.institution, ""
    if Relation.ROUTED in allowed and CENTRE in person.centres:
        return "", person.institution
    raise Forbidden(Action.SPECIMEN_LIST)


class StageCount(NamedTuple):
    stage: Stage
    waiting: int
    late: int


async def count_stages(work: UnitOfWork, person: Person) -> list[StageCount]:
    """How much waits at each stage, and how much of it is late. Raises Forbidden."""
    member, hub = bounds(person)
    lists = work.repository(AgedLists)
    found = []
    for stage in STAGES.values():
        waiting = await lists.count(stage.code, member, hub, work.now + timedelta(days=1))
        late = await lists.count(stage.code, member, hub, work.now - stage.late_after) if waiting else 0
        found.append(StageCount(stage, waiting, late))
    return found


async def waiting_at(work: UnitOfWork, person: Person, stage: str) -> tuple[Stage, list[AgedLine]]:
    """What waits at a stage, the oldest first. Raises Forbidden or Invalid."""
    member, hub = bounds(person)
    if stage not in STAGES:
        raise Invalid(FieldError("stage", "choice", ", ".join(STAGES)))
    found = await work.repository(AgedLists).waiting(stage, member, hub, work.now + timedelta(days=1), MAX_LINES)
    return STAGES[stage], found


class Turnaround(NamedTuple):
    """Hours of one step: the median and the ninetieth percentile of `tubes` tubes (nearest rank)."""

    step: str
    tubes: int
    p50: float
    p90: float


def nearest_rank(values: Sequence[float], share: float) -> float:
    """Return the smallest value at which at least `share` of the values are no greater. `values` are not empty."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


async def turnaround(work: UnitOfWork, person: Person, year: int, month: int) -> list[Turnaround]:
    """How long the steps took of tubes that were received in a month of the region's time. Raises Forbidden."""
    member, hub = bounds(person)
    zone = work.region.network.zone
    start = datetime(year, month, 1, tzinfo=zone).astimezone(UTC)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone).astimezone(UTC)
    spans = await work.repository(AgedLists).spans(member, hub, start, end)
    return [
        Turnaround(step, len(spans[step]), nearest_rank(spans[step], 0.5), nearest_rank(spans[step], 0.9))
        for step in STEPS
        if spans.get(step)
    ]
