"""The upper layer (ASTM E1394, CLSI LIS2-A2): header, patient, order, result, comment, query, terminator."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

from lab.errors import UnreadableTransmission
from lab.hl7.delimiters import Delimiters
from lab.hl7.escapes import unescape
from lab.hl7.times import NOTHING, Time, read_time
from lab.hl7.values import Value, looks
from lab.instruments import CALIBRATION, CONTROL, PATIENT, Mark, Place, Profile
from lab.limits import MAX_PARTS, MAX_RECORDS

_SEPARATORS: Final = 4
"""H-1 and H-2: field, repeat, component and escape delimiter stand right after the H."""


class Record:
    """One record: a letter and its fields; field 1 is the letter, as LIS2 counts."""

    __slots__ = ("delimiters", "fields")

    def __init__(self, line: str, delimiters: Delimiters) -> None:
        self.delimiters = delimiters
        self.fields = line.split(delimiters.field)

    @property
    def name(self) -> str:
        """Return the letter of its type."""
        return self.fields[0].strip()[:1].upper()

    def raw(self, number: int) -> str:
        """Return a field as sent."""
        return self.fields[number - 1] if number <= len(self.fields) else ""

    def text(self, place: Place) -> str:
        """Return the text at a place of this record, blanks around it left out."""
        first = self.raw(place.field).split(self.delimiters.repetition)[0]
        parts = [unescape(part, self.delimiters).strip() for part in first.split(self.delimiters.component)]
        if place.component:
            return parts[place.component - 1] if place.component <= len(parts) else ""
        return next((part for part in parts if part), "")


@dataclass(slots=True)
class Result:
    """One R record with what stands above it. `value` is its number or None; `held` is true where a mark says that a person must look.

    `comparator` and `text` tell the rest of what was sent, `as_sent` is R-4 itself. `purpose` is patient, control or calibration.
    """

    specimen: str
    code: str
    value: float | None
    as_sent: str
    text: str
    comparator: str = ""
    unit: str = ""
    range: str = ""
    flags: tuple[str, ...] = ()
    status: str = ""
    at: Time = NOTHING
    held: bool = False
    purpose: str = PATIENT
    patient_id: str = ""
    comments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Transmission:
    """All records between ENQ and EOT. `complete` is true where a terminator record closed them."""

    sender: str = ""
    sent: Time = NOTHING
    results: list[Result] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    complete: bool = False
    notes: list[str] = field(default_factory=list)


def read_records(text: str, profile: Profile, zone: tzinfo | None = None) -> Transmission:
    """Return what the records of one transmission say. Raises UnreadableTransmission where they do not begin with a header."""
    lines = [line for line in text.replace("\n", "\r").split("\r") if line.strip()]
    if not lines:
        return Transmission(notes=["no records"])
    if len(lines) > MAX_RECORDS:
        raise UnreadableTransmission(f"more than {MAX_RECORDS} records")
    return _Reader(_delimiters(lines[0]), profile, zone).read(lines)


def _delimiters(header: str) -> Delimiters:
    marks = header[1 : 1 + _SEPARATORS]
    if header[:1].upper() != "H" or len(set(marks)) < _SEPARATORS or any(mark.isalnum() or mark.isspace() for mark in marks):
        raise UnreadableTransmission(f"the records begin with {header[:12]!r}; the first is a header with its delimiters, as in H|\\^&")
    return Delimiters(field=marks[0], repetition=marks[1], component=marks[2], escape=marks[3], subcomponent="")


class _Reader:
    """Goes down the records of one transmission and keeps what stands above."""

    def __init__(self, delimiters: Delimiters, profile: Profile, zone: tzinfo | None) -> None:
        self.delimiters, self.profile, self.zone = delimiters, profile, zone
        self.found = Transmission()
        self.above: dict[str, Record] = {}

    def read(self, lines: list[str]) -> Transmission:
        """Return what the records say."""
        for number, line in enumerate(lines, 1):
            if line.count(self.delimiters.field) > MAX_PARTS:
                raise UnreadableTransmission(f"record {number} has more than {MAX_PARTS} fields")
            self._record(Record(line, self.delimiters), number)
        if not self.found.complete:
            self.found.notes.append("the records end without a terminator (L)")
        return self.found

    def _record(self, record: Record, number: int) -> None:
        match record.name:
            case "H":
                self.found.sender = record.text(Place("H", 5))
                self.found.sent = read_time(record.text(Place("H", 14)), self.zone)
            case "P":
                self.above = {"P": record}
            case "O":
                self.above["O"] = record
            case "R":
                self.found.results.append(self._result(record))
            case "C":
                if self.found.results:
                    self.found.results[-1].comments.append(record.text(Place("C", 4)))
            case "Q":
                self.found.queries.append(record.text(Place("Q", 3)))
            case "L":
                self.found.complete = True
            case "M" | "S":
                pass
            case name:
                self.found.notes.append(f"record {number} is of type {name!r}, which LIS2 does not have")

    def _result(self, record: Record) -> Result:
        self.above["R"] = record
        sent = record.raw(4)
        value = _value(unescape(sent, self.delimiters).strip())
        flags = tuple(flag.strip() for flag in record.raw(7).split(self.delimiters.repetition) if flag.strip())
        specimen = next((found for place in self.profile.specimen if (found := self._at(place))), "")
        if not specimen:
            self.found.notes.append(f"result {len(self.found.results) + 1} names no specimen")
        return Result(
            specimen=specimen,
            code=record.text(self.profile.code),
            value=value.number,
            as_sent=sent,
            text=value.text,
            comparator=value.comparator,
            unit=record.text(Place("R", 5)),
            range=unescape(record.raw(6), self.delimiters),
            flags=flags,
            status=record.text(Place("R", 9)),
            at=read_time(record.text(Place("R", 13)) or record.text(Place("R", 12)), self.zone),
            held=any(mark in sent or mark in "".join(flags) for mark in self.profile.hold_marks) and value.kind != "none",
            purpose=self._purpose(),
            patient_id=self._at(Place("P", 3)) or self._at(Place("P", 4)),
        )

    def _at(self, place: Place) -> str:
        record = self.above.get(place.record)
        return record.text(place) if record is not None else ""

    def _purpose(self) -> str:
        marked: tuple[tuple[str, tuple[Mark, ...]], ...] = ((CALIBRATION, self.profile.calibration), (CONTROL, self.profile.control))
        return next((name for name, marks in marked for mark in marks if self._at(mark.place) in mark.values), PATIENT)


_NOT_MEASURED: Final = frozenset("-–—_*.·…/\\ ")


def _value(sent: str) -> Value:
    """Return the value of R-4: a number with or without a comparator, nothing where only dashes stand, else a text."""
    seen = looks(sent)
    if seen is not None:
        return seen
    return Value("none" if not sent or set(sent) <= _NOT_MEASURED else "text", "", sent, sent)
