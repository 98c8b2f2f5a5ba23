"""Results that come as something else than HL7: sheets by their mapped columns, ASTM transmissions. They are taken as messages.

They carry no control id: the digest of their content is it, so that the same file again is nothing new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from hashlib import sha256
from typing import Any, Final, NamedTuple

from lab import astm, catalogue, sheets, units
from lab.astm import Transmission
from lab.errors import LabError, UnreadableSheet
from lab.hl7.content import SEXES
from lab.hl7.times import Time
from lab.instruments import PATIENT, Profile, profile
from lab.sheets import Columns, Preview, RefusedRow, Sheet
from telemed.centres.lab.adapters.hl7_reading import FOLDER, IN_ROW
from telemed.centres.lab.adapters.judging import CriticalRules, Subject, flag_of
from telemed.centres.lab.domain import Result, ResultCode, ResultStatus, ResultValue
from telemed.centres.lab.intake import Fault, Incoming

SHEET: Final = "SHEET"
ASTM: Final = "ASTM"
DIGEST_SHOWN: Final = 40
"""Hex digits of the content's digest that stand as control id: 160 bits."""

STATUSES: Final = {"F": ResultStatus.FINAL, "C": ResultStatus.CORRECTED, "P": ResultStatus.PRELIMINARY, "X": ResultStatus.CANCELLED}
"""R-9 (LIS2-A2 section 10.1.9); what is empty or something else is final."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Answers one who needs no words."""

    def __call__(self, fault: Fault | None) -> tuple[str, bytes]:
        return ("AA" if fault is None else "AR" if fault.rejected else "AE"), b""


class Said(NamedTuple):
    """One result as it was read, before it was judged."""

    patient: str
    order: str
    specimen: str
    code: str
    name: str
    number: float | None
    comparator: str
    text: str
    as_sent: str
    unit: str
    range: str
    flags: tuple[str, ...]
    status: ResultStatus
    observed: Time
    sex: str = "unknown"
    birth: date | None = None


def incoming(kind: str, member: str, raw: bytes, results: tuple[Result, ...], fault: Fault | None = None) -> Incoming:
    """Return the content as a message of a member."""
    digest = sha256(raw).hexdigest()
    key = "" if len(raw) <= IN_ROW else FOLDER + digest
    return Incoming(kind, member, digest[:DIGEST_SHOWN], kind, digest, len(raw), Accepted(), raw, key, fault, results)


def columns_of(mapping: Mapping[str, Any]) -> Columns:
    """Return the mapping of a sheet's columns as it is kept: names of `Columns`, and `tests` by column. Raises UnreadableSheet."""
    known = set(Columns.__dataclass_fields__)
    unknown = sorted(set(mapping) - known)
    if unknown:
        raise UnreadableSheet(f"there is no field {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return Columns(**mapping)


def preview(raw: bytes, mapping: Mapping[str, Any], zone: tzinfo, character_set: str = "") -> tuple[Sheet, Preview]:
    """Return a sheet and what it would give. Raises UnreadableSheet."""
    sheet = sheets.read(raw, character_set)
    return sheet, sheets.preview(sheet, columns_of(mapping), zone)


def read_sheet(
    raw: bytes, mapping: Mapping[str, Any], member: str, at: datetime, zone: tzinfo, rules: CriticalRules, character_set: str = ""
) -> tuple[Incoming, tuple[RefusedRow, ...]]:
    """Return a sheet as a message, and the rows that cannot be taken. Raises UnreadableSheet."""
    _, found = preview(raw, mapping, zone, character_set)
    said = [
        Said(
            each.patient, each.specimen, each.specimen, each.code, each.test, each.value.number, each.value.comparator, each.value.text,
            each.value.as_sent, each.unit, each.range, (each.flag,) if each.flag else (), ResultStatus.FINAL, each.observed,
            SEXES.get(each.sex.strip().upper(), "unknown"), each.birth.day,
        )
        for each in found.results
    ]  # fmt: skip
    results = tuple(_result(each, member, at, rules, place) for place, each in enumerate(said))
    return incoming(SHEET, member, raw, results), found.refused


def read_transmission(
    records: bytes, member: str, at: datetime, zone: tzinfo, rules: CriticalRules, instrument: Profile | None = None
) -> Incoming:
    """Return an ASTM transmission as a message. Controls and calibrations are no patient's results and give none."""
    try:
        found: Transmission = astm.read_transmission(records, instrument or profile(), zone)
    except LabError as error:
        return incoming(ASTM, member, records, (), Fault("100", error.reason))
    said = [
        Said(
            each.patient_id, each.specimen, each.specimen, each.code, each.code, each.value, each.comparator, each.text, each.as_sent,
            each.unit, each.range, each.flags, STATUSES.get(each.status, ResultStatus.FINAL), each.at,
        )
        for each in found.results
        if each.purpose == PATIENT
    ]  # fmt: skip
    return incoming(ASTM, member, records, tuple(_result(each, member, at, rules, place) for place, each in enumerate(said)))


def _result(said: Said, member: str, at: datetime, rules: CriticalRules, place: int) -> Result:
    item = catalogue.find(said.code) if said.code else None
    code = ResultCode(item.wst886, item.loinc, "") if item is not None else ResultCode("", "", (said.code or said.name)[:64])
    known = code.wst886 or code.loinc
    read = units.read(said.unit, known) if said.unit else None
    unit = read.ucum if read else said.unit
    observed = _moment(said.observed, at)
    subject = Subject(member, (observed or at).date(), said.sex, said.birth)
    order = said.order or (observed.isoformat() if observed else str(place))
    named = (member, said.patient, order, code.wst886, code.loinc, code.local, "", said.specimen)
    return Result(
        id="",
        key=sha256("\x1f".join(named).encode()).hexdigest(),
        member=member,
        patient_number=said.patient[:64],
        order_number=said.order[:64],
        code=code,
        name=(said.name or (item.name_zh if item else said.code))[:200],
        sub_id="",
        specimen=said.specimen[:64],
        value=ResultValue(
            said.number,
            said.comparator if said.number is not None else "",
            said.text[:4000],
            said.as_sent[:4000],
            unit[:64],
            said.range[:100],
            flag_of(said.flags, said.range, known, said.number, said.comparator, unit, subject, rules),
        ),
        status=said.status,
        observed_at=observed,
        reported_at=at if at.tzinfo else at.replace(tzinfo=UTC),
        message_id="",
    )


def _moment(time: Time, at: datetime) -> datetime | None:
    if time.moment is not None:
        return time.moment if time.moment.tzinfo else time.moment.replace(tzinfo=at.tzinfo)
    return datetime(time.day.year, time.day.month, time.day.day, tzinfo=at.tzinfo) if time.day else None
