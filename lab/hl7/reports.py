"""ORU^R01, OML^O21 and OSM^R26 as this library writes them.

Results and orders are 2.5.1 after IHE LTW: ORC-7 and OBR-5, 6, 8, 27 stay empty, timing and priority stand in TQ1. A manifest is
2.7.1, for SHP, PAC and PRT are no older.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from lab.hl7.content import Observation, Order, Package, Patient, Shipment, Specimen
from lab.hl7.datatypes import Code, Document
from lab.hl7.times import NOTHING
from lab.hl7.values import Value
from lab.hl7.writing import Envelope, Field, encoded, line, numbered
from lab.units import canonical

_SEX_CODES: Final = {"male": "M", "female": "F", "other": "O"}
UNKNOWN_CLASS: Final = "U"
"""PV1-2 where the patient's class is not known (IHE LTW requires the field)."""


@dataclass(slots=True)
class OrderGroup:
    """An order with the observations that belong to it."""

    order: Order
    observations: list[Observation] = field(default_factory=list)


def write_results(envelope: Envelope, patient: Patient, groups: Iterable[OrderGroup]) -> bytes:
    """Return an ORU^R01 (LAB-3): of each order first the observations of no certain specimen, then those of each.

    Raises WrongCharacters where the envelope's character set cannot hold the text.
    """
    lines = [line("MSH", envelope.msh("ORU^R01^ORU_R01")), *_patient(patient)]
    for number, group in enumerate(groups, 1):
        order = group.order
        lines += [_orc(order, order.control or "RE"), _obr(order, number), *_notes(order.notes), *_tq1(order)]
        lines += _observations([each for each in group.observations if each.specimen is None])
        for place, specimen in enumerate(order.specimens, 1):
            lines.append(_spm(specimen, place))
            lines += _observations([each for each in group.observations if each.specimen is specimen])
    return encoded(lines, envelope.character_set)


def write_order(envelope: Envelope, patient: Patient, groups: Iterable[OrderGroup]) -> bytes:
    """Return an OML^O21 (LAB-1): observations of a group are what the laboratory must know, not results."""
    lines = [line("MSH", envelope.msh("OML^O21^OML_O21")), *_patient(patient)]
    for number, group in enumerate(groups, 1):
        order = group.order
        lines += [line("ORC", {**_order_fields(order, order.control or "NW"), 9: envelope.at}), *_tq1(order), _obr(order, number)]
        lines += _notes(order.notes)
        lines += [line("DG1", {1: place, 3: code, 6: "W"}) for place, code in enumerate(order.diagnoses, 1)]
        lines += _observations(group.observations)
        for place, specimen in enumerate(order.specimens, 1):
            lines += _specimen(specimen, place)
    return encoded(lines, envelope.character_set)


def write_shipment(envelope: Envelope, shipment: Shipment, observations: Sequence[Observation] = ()) -> bytes:
    """Return an OSM^R26, the manifest of a shipment; `observations` describe the shipment, such as its temperature."""
    envelope = replace(envelope, version="2.7.1")
    lines = [
        line("MSH", envelope.msh("OSM^R26^OSM_R26")),
        line("SHP", {1: shipment.id, 3: shipment.status, 4: shipment.at, 8: len(shipment.packages), 10: [*shipment.handling]}),
        line("PRT", {2: "UC", 4: ("SB", "Send by", "HL70912"), 8: envelope.sender.facility}),
        *_observations(observations),
    ]
    for number, package in enumerate(shipment.packages, 1):
        lines.append(_pac(package, number))
        for place, specimen in enumerate(package.specimens, 1):
            lines += _specimen(specimen, place)
            if specimen.patient is not None:
                lines.append(_pid(specimen.patient))
    return encoded(lines, envelope.character_set)


def _patient(patient: Patient) -> list[str]:
    place = tuple(patient.location.split(" ")) if patient.location else ""
    return [_pid(patient), *_notes(patient.notes), line("PV1", {2: UNKNOWN_CLASS, 3: place, 19: numbered(patient.visit)})]


def _pid(patient: Patient) -> str:
    fields: dict[int, Field] = {
        1: 1,
        3: [numbered(identifier) for identifier in patient.identifiers],
        5: (patient.family, patient.given, "", "", "", "", "L") if patient.name else "",
        7: patient.birth,
        8: patient.sex_code or _SEX_CODES.get(patient.sex, "U"),
        13: patient.phone,
    }
    return line("PID", fields)


def _order_fields(order: Order, control: str) -> dict[int, Field]:
    return {1: control, 2: order.placer, 3: order.filler, 4: order.group, 12: ("", order.provider) if order.provider else ""}


def _orc(order: Order, control: str) -> str:
    return line("ORC", _order_fields(order, control))


def _obr(order: Order, number: int) -> str:
    fields: dict[int, Field] = {
        1: number,
        2: order.placer,
        3: order.filler,
        4: order.code,
        7: order.collected,
        13: order.clinical_information,
        14: order.received,
        16: ("", order.provider) if order.provider else "",
        22: order.reported,
        25: order.status_code,
    }
    return line("OBR", fields)


def _tq1(order: Order) -> list[str]:
    if not order.priority and not order.requested:
        return []
    return [line("TQ1", {1: 1, 7: order.requested, 9: order.priority})]


def _notes(notes: Iterable[str]) -> list[str]:
    return [line("NTE", {1: number, 2: "L", 3: note}) for number, note in enumerate(notes, 1)]


def _observations(observations: Sequence[Observation]) -> list[str]:
    lines = []
    for number, observation in enumerate(observations, 1):
        kind, value = _value(observation.value)
        fields: dict[int, Field] = {
            1: observation.set_id or number,
            2: kind,
            3: observation.code,
            4: observation.sub_id,
            5: value,
            6: (observation.unit, "", "UCUM") if canonical(observation.unit) == observation.unit else observation.unit,
            7: observation.range,
            8: [*observation.flags],
            11: observation.status_code or "F",
            14: observation.observed,
            16: ("", observation.performer) if observation.performer else "",
            17: observation.method,
            18: observation.equipment,
            19: observation.analysed,
        }
        lines += [line("OBX", fields), *_notes(observation.notes)]
    return lines


def _value(value: Value) -> tuple[str, Field]:
    """Return OBX-2 and OBX-5. Numbers are written as they were printed."""
    match value.kind:
        case "number" if not value.comparator:
            return "NM", value.text
        case "number":
            return "SN", (value.comparator, _printed(value.number))
        case "range" if value.low is not None and value.high is not None:
            return "SN", (value.comparator, _printed(value.low), "-", _printed(value.high))
        case "ratio" if value.ratio is not None:
            return "SN", (value.comparator, _printed(value.ratio[0]), ":", _printed(value.ratio[1]))
        case "code":
            return "CWE", value.code or Code(text=value.text)
        case "time":
            return "TS", value.time or NOTHING
        case "document" if value.document is not None:
            return "ED", _document(value.document)
        case "none":
            return "", '""' if value.deletes else ""
        case _:
            return ("TX" if "\n" in value.text else "ST"), value.text


def _printed(number: float | None) -> str:
    """Return a number with all its digits and without an exponent, which NM does not have."""
    return "" if number is None else f"{Decimal(repr(number)):f}".removesuffix(".0")


def _document(document: Document) -> Field:
    main, _, sub = document.media_type.partition("/")
    return ("", main, sub, document.encoding, document.encoded)


def document_value(media_type: str, content: bytes) -> Value:
    """Return the value of a document that is written into a message, such as the report as PDF."""
    document = Document(media_type, "Base64", base64.b64encode(content).decode())
    return Value("document", "ED", "", media_type, document=document)


def _spm(specimen: Specimen, number: int) -> str:
    placer = specimen.id if specimen.id != specimen.filler_id else ""
    fields: dict[int, Field] = {
        1: number,
        2: ((placer,), (specimen.filler_id,)),
        4: specimen.type,
        11: specimen.role,
        17: specimen.collected,
        18: specimen.received,
        21: [*specimen.reject_reasons],
        24: [*specimen.conditions],
    }
    return line("SPM", fields)


def _specimen(specimen: Specimen, number: int) -> list[str]:
    return [_spm(specimen, number), *_notes(specimen.notes), *(line("SAC", {3: container}) for container in specimen.containers)]


def _pac(package: Package, number: int) -> str:
    return line("PAC", {1: number, 2: package.id, 5: package.type or Code("BOX", "Box", "HL70908"), 6: [*package.conditions]})
