"""Rows of the index as DICOM JSON (PS3.18 annex F)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dicom_gateway.index.attributes import ATTRIBUTES, Attribute, Level

ON_REQUEST = frozenset({"SOPClassesInStudy"})  # costs a look at every instance, and no client is promised it


def row_json(values: dict[str, Any], shown: list[Attribute], base: str) -> dict[str, Any]:
    """One row of the index as a DICOM JSON object; `base` is the address of the DICOMweb service."""
    answer: dict[str, Any] = {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
    }
    for attribute in shown:
        value = values.get(attribute.keyword)
        target = answer
        if attribute.within:
            if value is None:
                continue
            target = answer.setdefault(attribute.within, {"vr": "SQ", "Value": [{}]})["Value"][0]
        target[attribute.tag] = element(attribute.vr, value)
    answer["00081190"] = {"vr": "UR", "Value": [_retrieve_url(values, base)]}
    return dict(sorted(answer.items()))


def attributes_shown(level: Level, within_study: bool, within_series: bool, included: frozenset[str]) -> list[Attribute]:
    """Attributes of a QIDO answer: the level's own, those of levels that the address leaves open, and `included`."""
    return [
        a
        for a in ATTRIBUTES
        if a.level <= level and (_by_itself(a, level, within_study, within_series) or "all" in included or a.keyword in included)
    ]


def _by_itself(attribute: Attribute, level: Level, within_study: bool, within_series: bool) -> bool:
    """True if the attribute is shown without being asked for."""
    if attribute.keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        return True
    if attribute.keyword in ON_REQUEST:
        return False
    return attribute.level == level or not (within_study if attribute.level <= Level.STUDY else within_series)


def _retrieve_url(values: dict[str, Any], base: str) -> str:
    url = f"{base}/studies/{values['StudyInstanceUID']}"
    if "SeriesInstanceUID" in values:
        url += f"/series/{values['SeriesInstanceUID']}"
    if "SOPInstanceUID" in values:
        url += f"/instances/{values['SOPInstanceUID']}"
    return url


def element(vr: str, value: Any) -> dict[str, Any]:
    """A value of the index, or several, as an element of the DICOM JSON model."""
    if value is None or value in ("", []):
        return {"vr": vr}
    values = value if isinstance(value, list) else [value]
    if vr == "PN":
        return {"vr": vr, "Value": [person_name(each) for each in values]}
    return {"vr": vr, "Value": values}


def person_name(name: str) -> dict[str, str]:
    """The component groups of a name (PS3.18 F.2.2)."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False)
    return {group: text for group, text in groups if text}


def without_bulk(item: Mapping[str, Any]) -> dict[str, Any]:
    """A data set without values that are only pointed to: the addresses are relative to another place."""
    found = {}
    for tag, element in item.items():
        if "BulkDataURI" in element:
            continue
        if element["vr"] == "SQ" and "Value" in element:
            element = {"vr": "SQ", "Value": [without_bulk(inner) for inner in element["Value"]]}
        found[tag] = element
    return found
