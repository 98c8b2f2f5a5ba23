"""Answers of the API about specimens, boxes and their temperature."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from telemed.centres.lab.specimens.domain import NO_NAME, Alarm, Assessment, Box, BoxView, TemperatureLog
from telemed.centres.lab.specimens.registering import SpecimenView
from telemed.centres.lab.specimens.scanning import Scanned
from telemed.centres.lab.specimens.scans import WORDS
from telemed.centres.lab.web.specimens.labels import facts_text, hold_text
from telemed.web.api.shapes import Shape
from telemed.web.i18n import gettext


class HoldShape(Shape):
    """Why results of a tube are held: the rule's code, and words."""

    code: str
    message: str


class SpecimenShape(Shape):
    """A tube. `condition` is how it came, `reason` a code of HL7 table 0490; `differs` is what its label says otherwise than its case."""

    number: str
    case: str
    member: str
    hub: str
    container: str
    items: list[str]
    status: str
    condition: str | None
    reason: str
    box: str
    created_at: datetime
    collected_at: datetime | None
    received_at: datetime | None
    differs: list[str]
    holds: list[HoldShape]


class SpecimenListShape(Shape):
    items: list[SpecimenShape]
    next: str | None = None


class ContainerShape(Shape):
    kind: str
    name: str
    cap: str
    order: int
    millilitres: float
    items: list[str]


class ContainerListShape(Shape):
    items: list[ContainerShape]
    next: str | None = None


class ContentShape(Shape):
    """A tube of a box: how it came; `unexpected` where it did not stand on the manifest. `patient` is empty for whom it is no business."""

    number: str
    container: str
    status: str
    condition: str | None
    reason: str
    unexpected: bool
    patient: str
    accession_number: str
    collected_at: datetime | None
    differs: list[str]


class HandoverShape(Shape):
    """One side: `given` or `taken`."""

    side: str
    courier: str
    seal: str
    at: datetime
    by: str


class AlarmShape(Shape):
    """A time outside the band. `highest` or `lowest` is in degrees Celsius, by its side."""

    source: str
    side: str
    start: datetime
    until: datetime
    highest: float | None
    lowest: float | None
    readings: int


class GapShape(Shape):
    source: str
    start: datetime
    until: datetime


class LogShape(Shape):
    """A logger's file, or a logger that sends by itself (`size` is 0). `unread` are rows, counted from 1."""

    id: str
    name: str
    media_type: str
    size: int
    added_by: str
    added_at: datetime
    unread: list[int]
    notes: list[str]


class TemperatureShape(Shape):
    """What the readings of a box say against its band; degrees are Celsius, null without a reading."""

    low: float
    high: float
    readings: int
    lowest: float | None
    highest: float | None
    mean_kinetic: float | None
    alarms: list[AlarmShape]
    gaps: list[GapShape]
    logs: list[LogShape]


class BoxShape(Shape):
    """A box as lists show it."""

    id: str
    member: str
    to: str
    temperature: str
    status: str
    version: int
    created_at: datetime
    ready_at: datetime | None
    sent_at: datetime | None
    taken_at: datetime | None
    received_at: datetime | None
    ended_at: datetime | None
    reason: str


class WholeBoxShape(BoxShape):
    """A box with its tubes. `differs` is what giver and taker say otherwise, `waiting` how many tubes have no condition yet."""

    specimens: list[ContentShape]
    handovers: list[HandoverShape]
    differs: list[str]
    waiting: int
    actions: list[str]
    alarms: list[AlarmShape]


class BoxListShape(Shape):
    items: list[BoxShape]
    next: str | None = None


class ScannedShape(Shape):
    """What a scan did. `said` and `more` are words, `tone` is done, near or critical; `box`, `condition`, `reason` and `courier` are in hand now."""

    id: str
    code: str
    step: str
    said: str
    tone: str
    box: str
    specimen: str
    condition: str
    reason: str
    courier: str
    undo: bool
    undone: bool
    more: str


class ScannedListShape(Shape):
    items: list[ScannedShape]
    next: str | None = None


class StageShape(Shape):
    """How much waits at a stage, and how much of it longer than `late_hours`. `owner` does the next step."""

    stage: str
    name: str
    owner: str
    waiting: int
    late: int
    late_hours: float


class StageListShape(Shape):
    items: list[StageShape]
    next: str | None = None


class WaitingShape(Shape):
    """One thing that waits: a specimen, a box or a case, by its number."""

    kind: str
    name: str
    member: str
    hub: str
    since: datetime
    late: bool


class WaitingListShape(Shape):
    items: list[WaitingShape]
    next: str | None = None


class TurnaroundShape(Shape):
    """Hours of one step: median and ninetieth percentile."""

    step: str
    name: str
    tubes: int
    p50_hours: float
    p90_hours: float


class TurnaroundListShape(Shape):
    items: list[TurnaroundShape]
    next: str | None = None


class CountedShape(Shape):
    """How many readings were new."""

    readings: int


def specimen_shape(view: SpecimenView) -> SpecimenShape:
    tube = view.specimen
    return SpecimenShape(
        number=tube.number,
        case=tube.case_id,
        member=tube.member,
        hub=tube.hub,
        container=tube.container,
        items=list(tube.items),
        status=tube.state.value,
        condition=tube.condition.value if tube.condition else None,
        reason=tube.reason,
        box=tube.box_id,
        created_at=tube.created_at,
        collected_at=tube.collected_at,
        received_at=tube.received_at,
        differs=list(tube.differs),
        holds=[HoldShape(code=hold.code, message=hold_text(hold)) for hold in view.holds],
    )


def alarm_shapes(alarms: Sequence[Alarm]) -> list[AlarmShape]:
    return [
        AlarmShape(
            source=alarm.source,
            side=alarm.side,
            start=alarm.start,
            until=alarm.until,
            highest=alarm.extreme if alarm.side == "above" else None,
            lowest=alarm.extreme if alarm.side == "below" else None,
            readings=alarm.readings,
        )
        for alarm in alarms
    ]


def _log_shape(log: TemperatureLog) -> LogShape:
    names = ("id", "name", "media_type", "size", "added_by", "added_at")
    return LogShape(unread=list(log.unread), notes=list(log.notes), **{name: getattr(log, name) for name in names})


def temperature_shape(box: Box, found: Assessment, logs: Sequence[TemperatureLog]) -> TemperatureShape:
    return TemperatureShape(
        low=box.low,
        high=box.high,
        readings=found.readings,
        lowest=found.lowest,
        highest=found.highest,
        mean_kinetic=None if found.mean_kinetic is None else round(found.mean_kinetic, 2),
        alarms=alarm_shapes(found.alarms),
        gaps=[GapShape(source=gap.source, start=gap.start, until=gap.until) for gap in found.gaps],
        logs=[_log_shape(log) for log in logs],
    )


_OF_BOX = ("id", "member", "temperature", "version", "created_at", "ready_at", "sent_at", "taken_at", "received_at", "ended_at", "reason")


def box_shape(box: Box) -> BoxShape:
    return BoxShape(to=box.hub, status=box.state.value, **{name: getattr(box, name) for name in _OF_BOX})


def whole_box_shape(view: BoxView) -> WholeBoxShape:
    box = view.box
    return WholeBoxShape(
        to=box.hub,
        status=box.state.value,
        specimens=_content_shapes(view),
        handovers=[
            HandoverShape(side=each.side.value, courier=each.courier, seal=each.seal, at=each.at, by=each.by) for each in view.handovers
        ],
        differs=list(view.differs),
        waiting=view.waiting,
        actions=sorted(view.actions),
        alarms=alarm_shapes(view.assessment.alarms),
        **{name: getattr(box, name) for name in _OF_BOX},
    )


def _content_shapes(view: BoxView) -> list[ContentShape]:
    found = []
    for content in view.contents:
        tube = view.specimens[content.number]
        name = view.names.get(tube.case_id, NO_NAME)
        found.append(
            ContentShape(
                number=content.number,
                container=tube.container,
                status=tube.state.value,
                condition=content.condition.value if content.condition else None,
                reason=content.reason,
                unexpected=content.unexpected,
                patient=name.patient,
                accession_number=name.accession_number,
                collected_at=tube.collected_at,
                differs=list(tube.differs),
            )
        )
    return found


def scanned_shape(scanned: Scanned) -> ScannedShape:
    names = ("id", "code", "step", "box", "specimen", "condition", "reason", "courier", "undo", "undone")
    word = WORDS["undone" if scanned.undone else scanned.step]
    return ScannedShape(
        said=gettext(word), more=facts_text(scanned.facts), tone=scanned.tone.value, **{name: getattr(scanned, name) for name in names}
    )
