"""One function for each segment that is read: from its fields to the thing they describe."""

from __future__ import annotations

from datetime import tzinfo
from functools import lru_cache
from typing import Final

from lab.hl7.content import SEXES, MessageError, Observation, Order, Package, Patient, Shipment, Specimen, full_name
from lab.hl7.datatypes import NO_CODE, NO_IDENTIFIER, Code, Identifier, code_of, entity_of, identifier_of
from lab.hl7.escapes import unescape
from lab.hl7.message import DELETED, Notation, Segment, first_text, nth, split_components
from lab.hl7.times import NOTHING, Time, read_time
from lab.hl7.values import read_value

_PRIOR: Final = "PR"
"""ORC-1 of earlier results that are sent along with an order (HL7 table 0119)."""


REJECT_REASONS: Final = "HL70490"
"""Some systems send reject reasons one field too far, in SPM-22 (quality); the table they name says what they are."""


def texts(segment: Segment, field: int) -> list[str]:
    """Return the repetitions of a field as text, escapes undone, separators in them kept as characters."""
    notation = segment.notation
    return [unescape(each, notation.delimiters, notation.codec) for each in segment.repetitions(field)]


_MAX_CACHED: Final = 200
"""Characters of a coded field that is worth keeping: a laboratory sends the same codes again and again."""


def first_code(value: str, notation: Notation) -> Code:
    """Return the first repetition of a coded field."""
    if not value:
        return NO_CODE
    _, repetition, component, _, escape = notation.marks
    if repetition in value:
        value = value[: value.index(repetition)]
    if escape in value or len(value) > _MAX_CACHED:
        return code_of(split_components(value, notation))
    return _plain_code(value, component)


@lru_cache(maxsize=8192)
def _plain_code(value: str, component: str) -> Code:
    return code_of(value.split(component))


def code(segment: Segment, field: int) -> Code:
    """Return the first repetition of a coded field of a segment."""
    return first_code(segment.raw(field), segment.notation)


def codes(segment: Segment, field: int) -> list[Code]:
    """Return all repetitions of a coded field."""
    return [found for each in segment.repetitions(field) if (found := code_of(split_components(each, segment.notation)))]


def entity(segment: Segment, field: int) -> Identifier:
    """Return the first repetition of an EI."""
    parts = segment.components(field)
    return entity_of(parts) if parts else NO_IDENTIFIER


def time(segment: Segment, field: int, zone: tzinfo | None) -> Time:
    """Return a TS or DTM; of a DR its start."""
    sent = segment.raw(field)
    if not sent or sent == DELETED:
        return NOTHING
    if sent.isdigit():
        return read_time(sent, zone)
    delimiters = segment.notation.delimiters
    degree = nth(nth(sent, delimiters.repetition, 1), delimiters.component, 2) if delimiters.component in sent else ""
    return read_time(first_text(sent, segment.notation), zone, degree if len(degree) == 1 and degree.isalpha() else "")


def person(segment: Segment, field: int) -> str:
    """Return the name of an XCN: family and given name, else the identifier."""
    parts = segment.components(field)
    if not parts:
        return ""
    subcomponent = segment.notation.delimiters.subcomponent
    family, given = ((nth(part, subcomponent, 1) if subcomponent else part).strip() for part in (*parts[1:3], "", "")[:2])
    return full_name(family, given) or parts[0].strip()


def patient(segment: Segment, zone: tzinfo | None) -> Patient:
    """Return PID: its list of identifiers, older ones of PID-2 where PID-3 is empty, the first name, sex, birth, telephone."""
    subcomponent = segment.notation.delimiters.subcomponent
    identifiers = [
        identifier_of(split_components(each, segment.notation), subcomponent)
        for field in (3, 2)
        for each in segment.repetitions(field)
        if each != DELETED
    ]
    name = segment.components(5)
    sex = (segment.text(8) or "").strip().upper()
    deletable = {"identifiers": 3, "name": 5, "birth": 7, "sex": 8, "phone": 13}
    return Patient(
        identifiers=list(dict.fromkeys(found for found in identifiers if found)),
        family=(name[0].split(subcomponent or "&")[0].strip() if name and name[0] != DELETED else ""),
        given=name[1].strip() if len(name) > 1 else "",
        sex=SEXES.get(sex, "unknown"),
        sex_code="" if sex == DELETED else sex,
        birth=time(segment, 7, zone),
        phone=segment.text(13, 1, 1) or segment.text(13, 1, 12) or "" if segment.raw(13) != DELETED else "",
        deletes=frozenset(name for name, field in deletable.items() if segment.raw(field) == DELETED),
    )


def visit(segment: Segment, of: Patient) -> None:
    """Add PV1: assigned location and visit number."""
    of.location = " ".join(part for part in segment.components(3) if part and part != DELETED)
    parts = segment.components(19)
    of.visit = identifier_of(parts, segment.notation.delimiters.subcomponent) if parts else NO_IDENTIFIER


def common_order(segment: Segment, order: Order) -> None:
    """Add ORC: control code, numbers, who ordered, priority of older versions (ORC-7.6)."""
    order.control = segment.text(1) or ""
    order.prior = order.control == _PRIOR
    order.placer = entity(segment, 2) or order.placer
    order.filler = entity(segment, 3) or order.filler
    order.group = entity(segment, 4)
    order.provider = order.provider or person(segment, 12)
    order.priority = order.priority or segment.text(7, 1, 6) or ""


def request(segment: Segment, order: Order, zone: tzinfo | None) -> None:
    """Add OBR. Priority and requested time of versions before 2.5 stand in OBR-5, 27 and 6."""
    order.placer = entity(segment, 2) or order.placer
    order.filler = entity(segment, 3) or order.filler
    order.code = code(segment, 4)
    order.priority = order.priority or segment.text(27, 1, 6) or segment.text(5) or ""
    order.requested = time(segment, 6, zone) or order.requested
    order.collected = time(segment, 7, zone)
    order.clinical_information = "\n".join(texts(segment, 13))
    order.received = time(segment, 14, zone)
    order.provider = person(segment, 16) or order.provider
    order.reported = time(segment, 22, zone)
    order.status_code = (segment.text(25) or "").strip().upper()


def specimen_source(segment: Segment) -> Specimen | None:
    """Return the specimen that OBR-15 describes (before 2.5), or None."""
    source = segment.components(15)
    if not source or not source[0]:
        return None
    return Specimen(type=code_of(source[0].split(segment.notation.delimiters.subcomponent or "&")))


def timing(segment: Segment, order: Order, zone: tzinfo | None) -> None:
    """Add TQ1: start and priority."""
    order.priority = segment.text(9) or order.priority
    order.requested = time(segment, 7, zone) or order.requested


def specimen(segment: Segment, zone: tzinfo | None) -> Specimen:
    """Return SPM. SPM-2 holds the placer's and the filler's number."""
    numbers = [part.split(segment.notation.delimiters.subcomponent or "&")[0].strip() for part in segment.components(2)]
    placer, filler = (*numbers, "", "")[:2]
    return Specimen(
        id=placer or filler,
        filler_id=filler,
        type=code(segment, 4),
        role=segment.text(11) or "",
        collected=time(segment, 17, zone),
        received=time(segment, 18, zone),
        reject_reasons=codes(segment, 21) + [found for found in codes(segment, 22) if found.system == REJECT_REASONS],
        conditions=codes(segment, 24),
    )


_OBX_FIELDS: Final = 20
"""Fields of OBX up to OBX-19, the last one read, with its name before them."""


def observation(segment: Segment, zone: tzinfo | None) -> Observation:
    """Return OBX; a segment that ends early has empty fields."""
    notation = segment.notation
    fields = segment.fields
    if len(fields) < _OBX_FIELDS:
        fields = fields + [""] * (_OBX_FIELDS - len(fields))
    return Observation(
        code=first_code(fields[3], notation),
        value=read_value(segment, zone),
        set_id=first_text(fields[1], notation),
        sub_id=first_text(fields[4], notation),
        unit=first_code(fields[6], notation).unit,
        range=unescape(fields[7], notation.delimiters, notation.codec),
        flags=_firsts(fields[8], notation) if fields[8] else (),
        status_code=fields[11].strip().upper(),
        observed=time(segment, 14, zone) if fields[14] else NOTHING,
        analysed=time(segment, 19, zone) if fields[19] else NOTHING,
        performer=person(segment, 16) if fields[16] else "",
        method=first_code(fields[17], notation),
        equipment=first_text(fields[18], notation),
    )


def _firsts(field: str, notation: Notation) -> tuple[str, ...]:
    """Return the first component of every repetition."""
    separator = notation.delimiters.repetition
    if not separator or separator not in field:
        return (first_text(field, notation).strip(),)
    return tuple(found for each in field.split(separator) if (found := first_text(each, notation).strip()))


def shipment(segment: Segment, zone: tzinfo | None) -> Shipment:
    """Return SHP (since 2.7)."""
    return Shipment(segment.text(1) or "", code(segment, 3), time(segment, 4, zone), codes(segment, 10))


def package(segment: Segment) -> Package:
    """Return PAC (since 2.7)."""
    return Package(segment.text(2) or "", code(segment, 5), codes(segment, 6))


def error(segment: Segment) -> MessageError:
    """Return ERR: of 2.5 and later its fields 3, 4, 7 and 8, of earlier versions the code in ERR-1.4."""
    condition = code(segment, 3)
    if not condition:
        older = segment.text(1, 1, 4) or ""
        condition = Code(older, segment.text(1, 1, 4, 2) or "")
    said = [part for part in (segment.text(8), segment.text(7)) if part]
    return MessageError(condition, segment.text(4) or "", "; ".join(said))
