"""Mutual recognition of results between institutions (the HR mark): whether a result of another laboratory stands instead of a new test.

All conditions must hold, and each that does not is named. What is in a region's catalogue, for how long a result stands, whose external
quality assessment passed and what mark a laboratory bears are rows; validity is judged on the day of the result. A refusal is a soft
alert: it blocks nothing. 国卫医发〔2022〕6号 and 国卫医政发〔2024〕37号 set the frame; how long a result stands has no national figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Final, NamedTuple

from lab.tables import rows

SCOPES: Final = ("alliance", "city", "province", "region", "nation")
"""How far a catalogue or a mark reaches, narrow to wide."""

ALL_ITEMS: Final = "*"
"""In place of an item: all of them, as within a tight alliance."""

RECOGNISED_STATUSES: Final = frozenset({"final", "corrected", "amended"})
"""Statuses (FHIR) of a result that is final; a correction is the final word on it."""


@dataclass(frozen=True, slots=True)
class Institution:
    """An institution and where it belongs: `places` names its alliance, city, province, region and nation by their scope."""

    code: str
    places: Mapping[str, str] = field(default_factory=dict)

    def shares(self, other: Institution, scope: str, place: str) -> bool:
        """True if both belong to this place of this scope."""
        return self.places.get(scope) == other.places.get(scope) == place


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """An item (or all) that is recognised in a place, and for how many days after the result; None where nobody has said so."""

    scope: str
    place: str
    item: str
    window_days: int | None
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class AssessmentRow:
    """The external quality assessment of a laboratory for an item: passed or not, and the days between which it holds."""

    laboratory: str
    item: str
    passed: bool
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class MarkRow:
    """A mark that a laboratory bears for an item (or all): how far it reaches, and the days between which it holds."""

    laboratory: str
    item: str
    scope: str
    place: str
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of a region."""

    catalogue: tuple[CatalogueRow, ...] = ()
    assessments: tuple[AssessmentRow, ...] = ()
    marks: tuple[MarkRow, ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierResult:
    """The result that might stand: its item, laboratory, day, patient and status (FHIR). `conclusion` is true for a judgement in words."""

    item: str
    laboratory: Institution
    day: date
    patient: str
    status: str
    conclusion: bool = False


class Refusal(NamedTuple):
    """A condition that does not hold, by its code, and why."""

    condition: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a result is recognised, until which day, and every condition that does not hold."""

    recognised: bool
    refusals: tuple[Refusal, ...] = ()
    until: date | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    result: EarlierResult
    receiver: Institution
    patient: str
    on: date
    tables: Tables

    def catalogue(self) -> list[CatalogueRow]:
        """Return the rows that hold this item on the day of the result in a place of both institutions."""
        return [
            row
            for row in self.tables.catalogue
            if row.item in (self.result.item, ALL_ITEMS)
            and _holds(self.result.day, row.valid_from, row.valid_until)
            and self.result.laboratory.shares(self.receiver, row.scope, row.place)
        ]

    def until(self) -> date | None:
        """Return the last day on which the result stands, by the row that lets it stand longest."""
        days = [row.window_days for row in self.catalogue() if row.window_days is not None]
        return date.fromordinal(min(self.result.day.toordinal() + max(days), date.max.toordinal())) if days else None


def _holds(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


def judge(result: EarlierResult, receiver: Institution, patient: str, on: date, tables: Tables) -> Judgement:
    """Return whether a result stands for a patient at the receiving institution on a day."""
    question = _Question(result, receiver, patient, on, tables)
    refusals = tuple(Refusal(name, reason) for name, check in CONDITIONS.items() if (reason := check(question)))
    return Judgement(not refusals, refusals, None if refusals else question.until())


def _same_patient(question: _Question) -> str:
    same = question.result.patient and question.result.patient == question.patient
    return "" if same else "the result is another patient's, or whose it is is not certain"


def _data_only(question: _Question) -> str:
    return "a conclusion is never recognised, only data" if question.result.conclusion else ""


def _final(question: _Question) -> str:
    status = question.result.status
    return "" if status in RECOGNISED_STATUSES else f"the result is {status}, not final"


def _in_catalogue(question: _Question) -> str:
    return "" if question.catalogue() else f"no catalogue that both institutions share held {question.result.item} on {question.result.day}"


def _assessed(question: _Question) -> str:
    laboratory, item, day = question.result.laboratory.code, question.result.item, question.result.day
    held = [
        row
        for row in question.tables.assessments
        if row.laboratory == laboratory and row.item == item and _holds(day, row.valid_from, row.valid_until)
    ]
    if not held:
        return f"{laboratory} had no external quality assessment of {item} on {day}"
    return "" if all(row.passed for row in held) else f"{laboratory} did not pass the external quality assessment of {item}"


def _marks(question: _Question) -> list[MarkRow]:
    laboratory, item, day = question.result.laboratory.code, question.result.item, question.result.day
    return [
        row
        for row in question.tables.marks
        if row.laboratory == laboratory and row.item in (item, ALL_ITEMS) and _holds(day, row.valid_from, row.valid_until)
    ]


def _marked(question: _Question) -> str:
    return "" if _marks(question) else f"the result of {question.result.item} bore no mark on {question.result.day}"


def _in_scope(question: _Question) -> str:
    marks = _marks(question)
    reaches = any(question.result.laboratory.shares(question.receiver, mark.scope, mark.place) for mark in marks)
    told = ", ".join(f"{mark.scope} {mark.place}" for mark in marks)
    return "" if reaches or not marks else f"the mark reaches as far as {told}, not to {question.receiver.code}"


def _in_window(question: _Question) -> str:
    day, on = question.result.day, question.on
    if day > on:
        return f"the result is of {day}, after {on}"
    if not question.catalogue():
        return ""
    until = question.until()
    if until is None:
        return f"nobody has said how long a result of {question.result.item} stands"
    return "" if on <= until else f"the result of {day} stood until {until}"


CONDITIONS: Final[Mapping[str, Callable[[_Question], str]]] = {
    "same-patient": _same_patient,
    "data-only": _data_only,
    "final": _final,
    "catalogue": _in_catalogue,
    "quality-assessment": _assessed,
    "mark": _marked,
    "scope": _in_scope,
    "window": _in_window,
}
"""Every condition by its code; each check returns why it does not hold, or nothing."""


class RetestReason(NamedTuple):
    """Why a physician tests again although a result stands: a code, and words in two languages with the edition they are of."""

    code: str
    zh: str
    en: str
    edition: str
    sources: int


@cache
def retest_reasons() -> tuple[RetestReason, ...]:
    """Return the reasons of `tables/retest_reasons.csv`. Their wording was read in no source yet and is shown as not confirmed."""
    return tuple(RetestReason(row["code"], row["zh"], row["en"], row["edition"], int(row["sources"])) for row in rows("retest_reasons.csv"))
