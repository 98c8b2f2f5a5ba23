"""DICOM JSON (PS3.18 annex F): the metadata of an object, and rows of the index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydicom.dataset import Dataset

from dicom_gateway.index.attributes import ATTRIBUTES, Attribute, Level
from dicom_gateway.pixels.decode import read_header

ON_REQUEST = frozenset({"SOPClassesInStudy"})  # costs a look at every instance, and no client is promised it


def bulk_value(head: bytes, path: str) -> bytes | None:
    """The value at `path`, tags and item numbers in turn (`54000100/1/54001010`); None where there is none.

    Runs in a process of its own. Raises `PixelError` for a head that cannot be read.
    """
    data_set: Dataset = read_header(head)
    steps = path.split("/")
    for tag, number in zip(steps[:-1:2], steps[1::2], strict=False):
        items = data_set[int(tag, 16)].value if int(tag, 16) in data_set else []
        if not number.isdigit() or not 1 <= int(number) <= len(items):
            return None
        data_set = items[int(number) - 1]
    tag_number = int(steps[-1], 16)
    if tag_number not in data_set or not isinstance(data_set[tag_number].value, bytes):
        return None
    value: bytes = data_set[tag_number].value
    return value


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
        target[attribute.tag] = _value(attribute.vr, value)
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
    """Whether the attribute is shown without being asked for."""
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


def _value(vr: str, value: Any) -> dict[str, Any]:
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
