"""SCP-ECG (EN 1064, ISO 11073-91064): sections found through pointers, samples coded by differences and Huffman tables.

Read here: the record's checksum, patient and device (section 1), tables (2), leads (3), QRS places (4), the reference
beat (5), rhythm data (6), global measurements (7) and the report's statements (8). Samples are restored in
`ecg.formats.scp_signal`.
"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from ecg.formats.cursor import Cursor, text_of
from ecg.formats.dates import day_of, moment
from ecg.formats.scp_signal import Lead, restored
from ecg.leads import distinct, lead_of_number
from ecg.limits import MAX_STATEMENTS
from ecg.recording import Device, Patient, Recording, UnreadableECG

NAME: Final = "SCP-ECG"
SECTION_HEADER: Final = 16
MAX_SECTIONS: Final = 64
_SEX: Final = {1: "male", 2: "female"}
_AGE_IN_YEARS: Final = {1: 1.0, 2: 1 / 12, 3: 1 / 52.18, 4: 1 / 365.25, 5: 1 / 8766}
UNMEASURED: Final = 29999
"""From here on a measurement of section 7 says why it was not made."""


def recognise(head: bytes) -> bool:
    """True if the first bytes are a record header followed by section 0, with its name or a sound pointer table."""
    if len(head) < 32:
        return False
    section, length = struct.unpack_from("<HI", head, 8)
    if head[16:22] == b"SCPECG" and section == 0:
        return True
    pointers = (length - SECTION_HEADER) / 10
    return section == 0 and 12 <= pointers <= MAX_SECTIONS and pointers.is_integer() and head[22:24] == b"\0\0"


def read(content: bytes) -> Recording:
    """The recording in an SCP-ECG record. Raises UnreadableECG."""
    sections = _sections(content)
    patient, device, start, filters = _header(sections.get(1))
    leads = _leads(sections.get(3))
    samples, rate = restored(leads, sections)
    return Recording(
        leads=distinct(lead_of_number(lead.number) for lead in leads),
        samples=samples,
        rate=rate,
        start=start,
        patient=patient,
        device=device,
        statements=_statements(sections.get(8)),
        format=NAME,
        filters=filters,
        reported=_reported(sections.get(7)),
    )


def _sections(content: bytes) -> dict[int, Cursor]:
    """Cursors behind the header of every section that is present, once the record's length and checksum hold."""
    at = Cursor(NAME, content)
    checksum, length = at.unpack("<HI", "the record's header")
    if length > len(content):
        raise UnreadableECG(NAME, len(content), f"cut short: {length} bytes are promised, {len(content)} are there")
    if binascii.crc_hqx(content[2:length], 0xFFFF) != checksum:
        raise UnreadableECG(NAME, 0, "the record's checksum does not match: the file is damaged, send it again")
    at.take(2 + 2, "section 0")
    table = at.number("<I", "the length of section 0")
    at.take(8, "section 0")
    sections: dict[int, Cursor] = {}
    for _ in range(min((table - SECTION_HEADER) // 10, MAX_SECTIONS)):
        number, size, index = at.unpack("<HII", "a section pointer")
        if size <= SECTION_HEADER or index == 0:
            continue
        begin = index - 1
        if begin + size > length:
            raise UnreadableECG(NAME, at.at - 10, f"section {number} ends at byte {begin + size} of {length}")
        section = Cursor(NAME, content, begin, begin + size)
        section.take(SECTION_HEADER, f"section {number}")
        sections.setdefault(number, section)
    return sections


@dataclass
class _Fields:
    """Return the fields of section 1 by tag."""

    values: dict[int, bytes]

    def text(self, tag: int) -> str:
        return text_of(self.values.get(tag, b""))

    def numbers(self, tag: int, layout: str) -> tuple[int, ...] | None:
        value = self.values.get(tag, b"")
        return struct.unpack_from(layout, value) if len(value) >= struct.calcsize(layout) else None


def _header(at: Cursor | None) -> tuple[Patient, Device, datetime | None, str]:
    fields = _Fields({})
    while at is not None and at.left >= 3:
        tag, size = at.unpack("<BH", "a field of section 1")
        if tag == 255:
            break
        fields.values.setdefault(tag, at.take(size, f"field {tag} of section 1"))
    return _patient(fields), _device(fields), _start(fields), _filters(fields)


def _patient(fields: _Fields) -> Patient:
    born, age, sex = fields.numbers(5, "<HBB"), fields.numbers(4, "<HB"), fields.numbers(8, "<B")
    return Patient(
        id=fields.text(2),
        name=" ".join(part for part in (fields.text(1), fields.text(0)) if part),
        sex=_SEX.get(sex[0], "unknown") if sex else "unknown",
        birth_date=day_of(*born) if born else "",
        age_years=age[0] * _AGE_IN_YEARS[age[1]] if age and age[1] in _AGE_IN_YEARS else None,
    )


def _device(fields: _Fields) -> Device:
    """Tag 14: 36 bytes of codes with the model at 8, then texts: analysing program, serial, software, maker."""
    value = fields.values.get(14, b"")
    texts = value[36:].split(b"\0")
    program = 1 if len(value) > 35 and value[35] else 0  # its length stands before the texts
    serial, _, _, maker = (text_of(part) for part in (texts[program:] + [b""] * 4)[:4])
    return Device(manufacturer=maker, model=text_of(value[8:14]), serial=serial, institution=fields.text(16))


def _start(fields: _Fields) -> datetime | None:
    day, clock = fields.numbers(25, "<HBB"), fields.numbers(26, "<BBB")
    return moment(*day, *(clock or (0, 0, 0))) if day else None


def _filters(fields: _Fields) -> str:
    low, high = fields.numbers(27, "<H"), fields.numbers(28, "<H")
    parts = [
        f"high-pass {low[0] / 100:g} Hz" if low and low[0] else "",
        f"low-pass {high[0]} Hz" if high and high[0] else "",
    ]
    return ", ".join(part for part in parts if part)


def _leads(at: Cursor | None) -> list[Lead]:
    if at is None:
        raise UnreadableECG(NAME, 0, "no section 3: the leads are not named")
    count, _ = at.unpack("<BB", "the number of leads")
    if count == 0:
        raise UnreadableECG(NAME, at.at, "no leads")
    leads = []
    for _ in range(count):
        first, last, number = at.unpack("<IIB", "a lead")
        if not 1 <= first <= last:
            raise UnreadableECG(NAME, at.at - 9, f"a lead from sample {first} to {last}")
        leads.append(Lead(number, first, last))
    return leads


def _statements(at: Cursor | None) -> tuple[str, ...]:
    """Section 8: confirmation, date, time and the statements of the report."""
    if at is None:
        return ()
    at.take(8, "the report's date")
    found = []
    for _ in range(at.number("<B", "the number of statements")):
        _, size = at.unpack("<BH", "a statement")
        found.append(text_of(at.take(size, "a statement")))
    return tuple(text for text in found if text)[:MAX_STATEMENTS]


def _reported(at: Cursor | None) -> dict[str, float]:
    """Section 7: the mean RR interval and the first reference beat's onsets and offsets in ms."""
    if at is None or at.left < 22:
        return {}
    _, _, rr, _, p_on, p_off, qrs_on, qrs_off, t_off, _, axis = at.unpack("<BBHHHHHHHhh", "global measurements")
    found: dict[str, float] = {}
    if 0 < rr < UNMEASURED:
        found["rate"] = float(np.round(60_000 / rr, 1))
    for name, begin, end in (
        ("p_duration", p_on, p_off),
        ("pr", p_on, qrs_on),
        ("qrs_duration", qrs_on, qrs_off),
        ("qt", qrs_on, t_off),
    ):
        if begin < end < UNMEASURED:
            found[name] = float(end - begin)
    if -180 <= axis <= 180:
        found["axis"] = float(axis)
    return found
