"""How long what is kept: periods with their sources, when something is due for erasure, holds, and requests of two people.

A period runs from the day of the patient's last visit at the institution whose record it is, and a record is kept to the end of the
period's last day. Periods end as the Civil Code has it (articles 201 and 202: the first day does not count; the last day is the
corresponding one of the last year, or the end of that month where there is none). Where it is not known whether a patient was an
outpatient, the longer period holds. A region may keep longer than the law asks, never shorter.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from telemed.domain.errors import NotDue, UnderHold
from telemed.domain.states import StateMachine, rows

_ = str  # marks text for the translation catalogue


class RecordKind(StrEnum):
    """What is erased by itself. Values stand in databases."""

    CASE = "case"
    PATIENT = "patient"
    """A patient's record at one institution, with all cases that show it."""
    STUDY = "study"
    """A study that is no case's."""
    FILE = "file"
    """A file that was taken away from a case since it is another person's."""
    QUARANTINE = "quarantine"
    """A DICOM object that could not be read or placed."""


class Basis(StrEnum):
    """What a period rests on."""

    LAW = "law"
    UNCONFIRMED = "unconfirmed"
    """A rule whose text was not at hand when the row was written: the figure is what practice quotes of it."""
    PRACTICE = "practice"
    """Our own choice: no rule is known."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """One row: what is kept, how many years at least, since when, by which source. A row without years is never due."""

    name: str
    what: str
    years: int | None
    since: str
    source: str
    basis: Basis


OUTPATIENT = RetentionRule(
    "outpatient",
    _("Cases, studies and files of outpatients"),
    15,
    _("the patient's last visit"),
    "《医疗机构管理条例实施细则》第五十三条；《医疗机构病历管理规定（2013年版）》第二十九条",
    Basis.LAW,
)
INPATIENT = RetentionRule(
    "inpatient",
    _("Cases, studies and files of inpatients, and where it is not known which"),
    30,
    _("the patient's last visit"),
    "《医疗机构管理条例实施细则》第五十三条；《医疗机构病历管理规定（2013年版）》第二十九条",
    Basis.LAW,
)
QUARANTINED = RetentionRule(
    "quarantine",
    _("DICOM objects that could not be read or placed"),
    2,
    _("its arrival"),
    _("practice: time to ask who sent it"),
    Basis.PRACTICE,
)
TRAIL = RetentionRule("audit", _("Audit trail"), None, "", "《中华人民共和国网络安全法》第二十一条第（三）项：不少于六个月", Basis.LAW)
"""The law asks for six months. A chain from which nothing can be taken away is kept for ever."""
SESSIONS = RetentionRule(
    "sessions", _("Sessions, unfinished uploads, done jobs"), None, "", _("practice: removed by themselves within days"), Basis.PRACTICE
)
BACKUPS = RetentionRule("backups", _("Backups"), None, "", _("practice: as many snapshots as TELEMED_BACKUP_KEEP says"), Basis.PRACTICE)

RULES: tuple[RetentionRule, ...] = (OUTPATIENT, INPATIENT, QUARANTINED, TRAIL, SESSIONS, BACKUPS)
"""The rules of every installation; a centre may add rules of its own (`Centre.retention`), of which the longest holds."""


@dataclass(frozen=True, slots=True)
class RetentionPeriods:
    """The periods of a region. `years`: by a rule's name, longer ones than the law's. `outpatient_members`: institutions without beds,
    all of whose patients are outpatients."""

    years: Mapping[str, int] = field(default_factory=dict)
    outpatient_members: frozenset[str] = frozenset()

    def years_of(self, rule: RetentionRule) -> int | None:
        """Return the rule's years, or the region's where they are more."""
        return None if rule.years is None else max(rule.years, self.years.get(rule.name, 0))

    def care(self, member: str) -> RetentionRule:
        """Return the rule for patients of the institution."""
        return OUTPATIENT if member in self.outpatient_members else INPATIENT

    def record_years(self, member: str, centre_rules: Iterable[RetentionRule] = ()) -> int:
        """Return how many years a clinical record of the institution is kept: the longest of all rules that fit."""
        return max(self.years_of(rule) or 0 for rule in (self.care(member), *centre_rules))

    def shortest(self) -> int:
        """Return the fewest years that any clinical record is kept."""
        return min(self.years_of(rule) or 0 for rule in (OUTPATIENT, INPATIENT))


def last_day(since: date, years: int) -> date:
    """Return the last day of a period of so many years from `since`."""
    year = since.year + years
    return date(year, since.month, min(since.day, calendar.monthrange(year, since.month)[1]))


@dataclass(frozen=True, slots=True)
class Hold:
    """Something is not erased as long as the hold stands: a dispute, an inquiry, research. `until` None: until it is lifted."""

    id: str
    kind: RecordKind
    subject: str
    reason: str
    set_by: str
    set_at: datetime
    until: date | None = None
    lifted_by: str = ""
    lifted_at: datetime | None = None

    def stands(self, today: date) -> bool:
        """True while nobody has lifted it and its last day is not over."""
        return self.lifted_at is None and (self.until is None or today <= self.until)


@dataclass(frozen=True, slots=True)
class Retained:
    """Something that is kept. `since`: the day from which its period runs; `finished` False: somebody still works on it; `holds` are on
    it, or on what it belongs to."""

    kind: RecordKind
    subject: str
    member: str
    since: date
    years: int
    centre: str = ""
    finished: bool = True
    holds: Sequence[Hold] = ()

    @property
    def kept_until(self) -> date:
        return last_day(self.since, self.years)


def due_for_erasure(record: Retained, today: date) -> bool:
    """True if the record's period is over, nobody works on it, and no hold stands."""
    return record.finished and today > record.kept_until and not any(hold.stands(today) for hold in record.holds)


def require_due(record: Retained, today: date) -> None:
    """Raises UnderHold or NotDue where the record may not be erased today."""
    standing = [hold for hold in record.holds if hold.stands(today)]
    if standing:
        last = max(hold.until or date.max for hold in standing)
        raise UnderHold(record.subject, None if last == date.max else last)
    if not due_for_erasure(record, today):
        raise NotDue(record.subject, record.kept_until, finished=record.finished)


class RequestState(StrEnum):
    """Where a request for erasure is."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    DONE = "done"
    DECLINED = "declined"


REQUEST = StateMachine(
    "erasure",
    rows("asked", "confirm", RequestState.CONFIRMED)
    | rows("asked", "decline", RequestState.DECLINED)
    | rows("confirmed", "finish", RequestState.DONE),
)

OPEN_FOR = timedelta(days=30)
"""A request that nobody confirms is over after this (practice: a second person is on leave at most so long)."""

AT_ONCE = 500
"""Records of one request: as many as a person can be expected to look through (practice)."""


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """What one person asked and another confirms; `erased` of its `records` are gone."""

    id: str
    kind: RecordKind
    asked_by: str
    asked_at: datetime
    reason: str
    records: int
    state: RequestState = RequestState.ASKED
    decided_by: str = ""
    decided_at: datetime | None = None
    done_at: datetime | None = None
    erased: int = 0
    kept: int = 0
    """Records that may not be erased any more: a hold came, or the patient did."""

    def open(self, now: datetime) -> bool:
        """True while it may be confirmed, whichever way the clock was set."""
        return self.state is RequestState.ASKED and abs(now - self.asked_at) < OPEN_FOR
