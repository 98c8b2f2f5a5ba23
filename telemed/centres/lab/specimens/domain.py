"""Specimens, boxes, handovers and temperature as records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from telemed.centres.lab.specimens.states import BOX, LIVING, SPECIMEN, BoxState, Condition, SpecimenState
from telemed.domain.events import EventKind


class SpecimenEvent(EventKind):
    """Actions with specimens in a case's history."""

    REGISTER = "specimen-register"
    RECEIVE = "specimen-receive"
    REJECT = "specimen-reject"


MAX_CONTAINERS: Final = 30
"""Tubes that are labelled at once: more are no one draw (practice)."""

MAX_IN_BOX: Final = 400
"""Tubes of one box: a transport box of eight racks of fifty (practice)."""


@dataclass(slots=True)
class Specimen:
    """One tube. `box_id` is the living box that it is in; `request_key` names the request that made it, so that it is made once.

    `differs` are what its own label says otherwise than its case (name, sex, birth_date, identifiers), until somebody settles it.
    """

    number: str
    case_id: str
    member: str
    container: str
    items: tuple[str, ...]
    created_by: str
    created_at: datetime
    request_key: str = ""
    state: SpecimenState = SpecimenState.REGISTERED
    condition: Condition | None = None
    box_id: str = ""
    collected_at: datetime | None = None
    collected_by: str = ""
    received_at: datetime | None = None
    received_by: str = ""
    hub: str = ""
    reason: str = ""
    rejected_by: str = ""
    rejected_at: datetime | None = None
    differs: tuple[str, ...] = ()

    def apply(self, action: str) -> None:
        """Move along the table. Raises InvalidTransition and changes nothing where the table forbids it."""
        self.state = SPECIMEN.next(self.state, action)


@dataclass(slots=True)
class Box:
    """One box from a member to a hub. `temperature` is the band that was asked for, in words; `low` and `high` its ends in degrees
    Celsius, `excursion` the farthest degree outside it that was read. `version` counts changes."""

    id: str
    member: str
    hub: str
    temperature: str
    low: float
    high: float
    created_by: str
    created_at: datetime
    request_key: str = ""
    state: BoxState = BoxState.DRAFT
    ready_at: datetime | None = None
    sent_at: datetime | None = None
    taken_at: datetime | None = None
    first_received_at: datetime | None = None
    received_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    reason: str = ""
    excursion: float | None = None
    version: int = 1

    def apply(self, action: str) -> None:
        """Move along the table. Raises InvalidTransition and changes nothing where the table forbids it."""
        self.state = BOX.next(self.state, action)
        self.version += 1

    @property
    def living(self) -> bool:
        return self.state in LIVING


@dataclass(slots=True)
class Content:
    """A tube in a box: on its manifest, or `unexpected`, which came with it and did not stand there."""

    box_id: str
    number: str
    added_by: str
    added_at: datetime
    unexpected: bool = False
    condition: Condition | None = None
    reason: str = ""
    condition_by: str = ""
    condition_at: datetime | None = None


class Side(StrEnum):
    GIVEN = "given"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Handover:
    """One side of a handover: who carries the box (`courier`), its seal, when by the clock of who wrote it down, and by whose account."""

    box_id: str
    side: Side
    courier: str
    seal: str
    at: datetime
    by: str
    recorded_at: datetime


def handover_differs(handovers: Sequence[Handover]) -> tuple[str, ...]:
    """Return what giver and taker say otherwise: `courier`, `seal`. What one of them leaves empty contradicts nothing."""
    given = next((each for each in handovers if each.side is Side.GIVEN), None)
    taken = next((each for each in handovers if each.side is Side.TAKEN), None)
    if given is None or taken is None:
        return ()
    pairs = (("courier", given.courier, taken.courier), ("seal", given.seal, taken.seal))
    return tuple(name for name, a, b in pairs if a and b and a.strip().casefold() != b.strip().casefold())


class Reading(NamedTuple):
    """When, and how warm in degrees Celsius."""

    at: datetime
    celsius: float


@dataclass(frozen=True, slots=True)
class TemperatureLog:
    """A logger's file of a box, or readings that a logger sent itself (`key` is empty). Unread rows are counted from 1."""

    id: str
    box_id: str
    name: str
    sha256: str
    key: str
    media_type: str
    size: int
    added_by: str
    added_at: datetime
    readings: int = 0
    unread: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


class Alarm(NamedTuple):
    """A time outside the band: its side (`above`, `below`), and the warmest or coldest of it."""

    source: str
    side: str
    start: datetime
    until: datetime
    extreme: float
    readings: int


class Silence(NamedTuple):
    """A time in which a logger wrote nothing down, and wrote before and after."""

    source: str
    start: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the readings of a box say against its band. `mean_kinetic` is in degrees Celsius, None without a reading."""

    alarms: tuple[Alarm, ...] = ()
    gaps: tuple[Silence, ...] = ()
    mean_kinetic: float | None = None
    lowest: float | None = None
    highest: float | None = None
    readings: int = 0


NO_READINGS: Final = Assessment()


def farthest(box: Box, alarms: Sequence[Alarm]) -> float | None:
    """Return the degree of the alarms that lies farthest outside the box's band; None without an alarm."""
    return max((alarm.extreme for alarm in alarms), key=lambda degree: max(degree - box.high, box.low - degree), default=None)


class CaseName(NamedTuple):
    """What of a case stands beside its tubes."""

    patient: str
    accession_number: str


NO_NAME: Final = CaseName("", "")


@dataclass(frozen=True, slots=True)
class BoxView:
    """A box with all that belongs to it. `names` are by case, of those that the asker may see."""

    box: Box
    contents: Sequence[Content]
    specimens: dict[str, Specimen]
    handovers: Sequence[Handover]
    logs: Sequence[TemperatureLog]
    assessment: Assessment = NO_READINGS
    names: dict[str, CaseName] = field(default_factory=dict)
    actions: frozenset[str] = frozenset()

    @property
    def differs(self) -> tuple[str, ...]:
        return handover_differs(self.handovers)

    @property
    def waiting(self) -> int:
        """How many of the manifest have no condition yet."""
        return sum(content.condition is None for content in self.contents if not content.unexpected)
