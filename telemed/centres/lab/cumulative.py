"""A patient's results beside each other: tests by group and day, with what changed between them. Pure: it reads results and asks a catalogue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from telemed.centres.lab.domain import Result, ResultStatus

_ = str  # marks text for the translation catalogue

GROUPS: Final[Mapping[str, str]] = {
    "01": _("Blood count"),
    "05": _("Coagulation"),
    "03": _("Sedimentation"),
    "14": _("Electrolytes and elements"),
    "17": _("Glucose, kidney, bilirubin"),
    "15": _("Enzymes"),
    "11": _("Proteins and inflammation"),
    "20": _("Lipids"),
    "21": _("Heart"),
    "12": _("Thyroid and hormones"),
    "16": _("Tumour markers"),
    "23": _("Blood gases"),
    "": _("Other tests"),
    "-": _("Not mapped yet"),
}
"""Groups of tests by the category, the first two characters, of their WS/T 886-2026 code, in the order of the page (practice); `-` has what
the catalogue does not know."""

UNMAPPED: Final = "-"


@dataclass(frozen=True, slots=True)
class LabTest:
    """A test of the catalogue. `place` is its order in the catalogue, `unit` UCUM, `decimals` how exactly it is reported."""

    code: str
    name: str
    short: str
    unit: str
    group: str
    place: int
    decimals: int = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """A reference range in the unit of its result; None where a side has no end. `certain`: printed by the laboratory, or a band read in
    two sources."""

    low: float | None = None
    high: float | None = None
    certain: bool = True

    @property
    def stated(self) -> bool:
        return self.low is not None or self.high is not None


NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose results they are, as far as ranges ask for it."""

    sex: str = ""
    birth_date: date | None = None


class Catalogue(Protocol):
    """What is known of tests, units and ranges."""

    def test(self, result: Result) -> LabTest | None:
        """The test of a result, None where the catalogue does not know its code."""
        ...

    def tests(self) -> Sequence[LabTest]:
        """All tests of the catalogue, in its order."""
        ...

    def in_unit(self, value: float, result: Result, unit: str) -> float | None:
        """A value of a result's unit in another unit; None where that is not certain."""
        ...

    def limits(self, result: Result, subject: Subject) -> Limits:
        """The reference range of the time: as the laboratory printed it, else the band of age and sex on the day of collection."""
        ...


class Mark(StrEnum):
    """What a person should see beside a value."""

    CRITICAL = "critical"
    HIGH = "high"
    LOW = "low"
    ABNORMAL = "abnormal"
    PRELIMINARY = "preliminary"
    CORRECTED = "corrected"
    UNIT = "unit"
    """Told in another unit than the value before it."""
    RANGE = "range"
    """Judged by another reference range than the value before it: another method or laboratory, or another age."""
    RECOGNISED = "recognised"


FLAG_MARKS: Final[Mapping[str, tuple[Mark, ...]]] = {
    "LL": (Mark.CRITICAL, Mark.LOW),
    "HH": (Mark.CRITICAL, Mark.HIGH),
    "L": (Mark.LOW,),
    "H": (Mark.HIGH,),
    "A": (Mark.ABNORMAL,),
}
STATUS_MARKS: Final[Mapping[ResultStatus, Mark]] = {
    ResultStatus.PRELIMINARY: Mark.PRELIMINARY,
    ResultStatus.REGISTERED: Mark.PRELIMINARY,
    ResultStatus.CORRECTED: Mark.CORRECTED,
    ResultStatus.AMENDED: Mark.CORRECTED,
}
OUT_OF_RANGE: Final = frozenset({Mark.CRITICAL, Mark.HIGH, Mark.LOW, Mark.ABNORMAL})

RECOGNITION_MARKS: Final[Mapping[str, str]] = {
    "全国HR": _("recognised nationwide"),
    "全国hr": _("recognised nationwide"),
    "本省HR": _("recognised in the province"),
    "省HR": _("recognised in the province"),
    "市HR": _("recognised in the city"),
    "HR": _("marked for mutual recognition"),
}
"""The mark that a laboratory prints beside a test whose results others recognise (国卫医发〔2022〕6号 and 国卫医政发〔2024〕37号: `HR` with its
scope), and what it says. The longest that fits is meant."""


def recognition_of(name: str) -> str:
    """Return what the recognition mark in a test's name says, empty where there is none."""
    for mark, words in RECOGNITION_MARKS.items():
        if f"【{mark}】" in name or f"[{mark}]" in name or f"({mark})" in name or f"（{mark}）" in name:
            return words
    return ""


class Column(NamedTuple):
    """A day of one institution; results without a time stand on the day of their report."""

    day: date
    member: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One result in its row. `number` is its value in the row's unit, None where it has none that compares; `limits` likewise."""

    result: Result
    at: datetime
    marks: tuple[Mark, ...]
    number: float | None
    limits: Limits
    recognised: str = ""
    before: Result | None = None

    @property
    def abnormal(self) -> bool:
        return not OUT_OF_RANGE.isdisjoint(self.marks)


@dataclass(frozen=True, slots=True)
class Row:
    """One test. `readings` are oldest first, `cells` by column newest first; `unit` is that of the newest value."""

    key: str
    name: str
    short: str
    unit: str
    readings: tuple[Reading, ...]
    cells: Mapping[Column, tuple[Reading, ...]]
    place: int = 0
    mapped: bool = True

    @property
    def newest(self) -> Reading:
        return self.readings[-1]

    @property
    def abnormal(self) -> bool:
        return any(each.abnormal for each in self.readings)


@dataclass(frozen=True, slots=True)
class Group:
    code: str
    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Cumulative:
    """The whole table: columns newest first, groups with their rows."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def count(self) -> int:
        return sum(len(row.readings) for row in self.rows)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The first and the last time of all readings."""
        times = [reading.at for row in self.rows for reading in row.readings]
        return (min(times), max(times)) if times else None


def moment_of(result: Result) -> datetime:
    """Return when a result's specimen was taken, else when it was reported."""
    return result.observed_at or result.reported_at


@dataclass(slots=True)
class _Gathered:
    """Results of one test before they are a row."""

    test: LabTest | None
    results: list[Result] = field(default_factory=list)


def cumulative(results: Iterable[Result], catalogue: Catalogue, subject: Subject, zone: tzinfo) -> Cumulative:
    """Return results as a table. One test is one row whatever institution reported it; what the catalogue does not know is a row of its
    institution."""
    gathered: dict[str, _Gathered] = {}
    for result in results:
        test = catalogue.test(result)
        key = test.code if test else f"{result.member}:{result.code.local or result.name}"
        gathered.setdefault(key, _Gathered(test)).results.append(result)
    by_group: dict[str, list[Row]] = defaultdict(list)
    for key, each in gathered.items():
        by_group[_group_of(each.test)].append(_row(key, each, catalogue, subject, zone))
    groups = [
        Group(code, name, tuple(sorted(by_group[code], key=lambda row: (row.place, row.name))))
        for code, name in GROUPS.items()
        if by_group.get(code)
    ]
    columns = {column for group in groups for row in group.rows for column in row.cells}
    return Cumulative(tuple(sorted(columns, key=lambda column: (-column.day.toordinal(), column.member))), tuple(groups))


def _group_of(test: LabTest | None) -> str:
    if test is None:
        return UNMAPPED
    return test.group if test.group in GROUPS else ""


def _row(key: str, gathered: _Gathered, catalogue: Catalogue, subject: Subject, zone: tzinfo) -> Row:
    results = sorted(gathered.results, key=lambda each: (moment_of(each), each.reported_at, each.id))
    unit = next((each.value.unit for each in reversed(results) if each.value.unit), "")
    readings: list[Reading] = []
    for result in results:
        readings.append(_reading(result, readings[-1] if readings else None, unit, catalogue, subject))
    cells: dict[Column, list[Reading]] = defaultdict(list)
    for reading in reversed(readings):
        cells[Column(reading.at.astimezone(zone).date(), reading.result.member)].append(reading)
    test, newest = gathered.test, results[-1]
    return Row(
        key=key,
        name=test.name if test else newest.name or newest.code.local,
        short=test.short if test else "",
        unit=unit,
        readings=tuple(readings),
        cells={column: tuple(found) for column, found in cells.items()},
        place=test.place if test else 0,
        mapped=test is not None,
    )


def _reading(result: Result, before: Reading | None, unit: str, catalogue: Catalogue, subject: Subject) -> Reading:
    value = result.value
    number = None if value.number is None else catalogue.in_unit(value.number, result, unit)
    limits = _in_unit(catalogue.limits(result, subject), result, unit, catalogue)
    marks = [*FLAG_MARKS.get(value.flag, ())]
    if result.status in STATUS_MARKS:
        marks.append(STATUS_MARKS[result.status])
    if before is not None and value.unit and before.result.value.unit and value.unit != before.result.value.unit:
        marks.append(Mark.UNIT)
    if before is not None and limits.stated and before.limits.stated and not _same(limits, before.limits):
        marks.append(Mark.RANGE)
    recognised = recognition_of(result.name)
    if recognised:
        marks.append(Mark.RECOGNISED)
    return Reading(result, moment_of(result), tuple(marks), number, limits, recognised, before.result if before else None)


def _in_unit(limits: Limits, result: Result, unit: str, catalogue: Catalogue) -> Limits:
    ends = [None if end is None else catalogue.in_unit(end, result, unit) for end in (limits.low, limits.high)]
    if any(end is None and sent is not None for end, sent in zip(ends, (limits.low, limits.high), strict=True)):
        return NO_LIMITS
    return Limits(ends[0], ends[1], limits.certain)


SAME_TO: Final = 1e-6
"""Share by which two limits may differ and still be one: what a conversion of units leaves (practice)."""


def _same(one: Limits, other: Limits) -> bool:
    return _near(one.low, other.low) and _near(one.high, other.high)


def _near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SAME_TO * max(abs(one), abs(other), SAME_TO)


def chosen(table: Cumulative, keys: Sequence[str]) -> tuple[Row, ...]:
    """Return the rows with these keys, in the order of the table."""
    wanted = set(keys)
    return tuple(row for row in table.rows if row.key in wanted)
