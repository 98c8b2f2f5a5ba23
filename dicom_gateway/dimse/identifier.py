"""C-FIND and retrieve identifiers: from a data set to a query, and from found values back to a data set (PS3.4 C.4)."""

from __future__ import annotations

from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence

from dicom_gateway.index import BadQuery, Level, Match, Matching, Query, Target, attribute_named

_MAX_SEQUENCE_KEYS = 32


def query_of(identifier: Dataset) -> Query:
    """The query that `identifier` asks. Raises `BadQuery`."""
    level = level_of(identifier)
    matches = []
    for element in _keys(identifier):
        attribute = attribute_named(f"{element.tag:08X}")
        if attribute is None or attribute.level > max(level, Level.STUDY):
            continue  # an unsupported optional key is not matched (PS3.4 C.2.2.1.3)
        values = values_of(element)
        if values and attribute.matching is not Matching.NONE:
            matches.append(Match(attribute, values))
    return Query(level, matches)


def target_of(identifier: Dataset) -> Target:
    """Return the target of a C-GET or C-MOVE. Raises `BadQuery` where the key of its own level is missing."""
    level = level_of(identifier)
    keys = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    lists = [values_of(identifier[key]) if key in identifier else () for key in keys[: level + 1]]
    if not lists[level] or any("*" in value or "?" in value for value in lists[level]):
        raise BadQuery(f"{keys[level]} must be given at this level, without wildcards")
    lists += [()] * (len(keys) - len(lists))
    return Target(*lists)


def level_of(identifier: Dataset) -> Level:
    """Query/Retrieve Level (0008,0052). Raises `BadQuery`."""
    name = str(identifier.get("QueryRetrieveLevel", "")).strip()
    try:
        return Level[name]
    except KeyError:
        raise BadQuery("QueryRetrieveLevel must be PATIENT, STUDY, SERIES or IMAGE") from None


def values_of(element: DataElement) -> tuple[str, ...]:
    """Values as text, empty ones dropped."""
    value = element.value
    if value is None:
        return ()
    values = value if isinstance(value, MultiValue | list) else [value]
    return tuple(text for text in (str(each).strip() for each in values) if text)


def answer(identifier: Dataset, found: dict[str, Any], level: Level, ae_title: str) -> Dataset:
    """The response identifier: every key that was asked for, empty where there is nothing (PS3.4 C.4.1.1.3.2)."""
    response = Dataset()
    for element in identifier:
        if element.tag.element == 0 or element.keyword in ("SpecificCharacterSet", "QueryRetrieveLevel"):
            continue
        if element.VR == "SQ":
            response.add(DataElement(element.tag, "SQ", _nested(element, found)))
        else:
            response.add(DataElement(element.tag, element.VR, _value(element, found)))
    response.QueryRetrieveLevel = level.name
    response.RetrieveAETitle = ae_title
    response.InstanceAvailability = "ONLINE"
    for keyword, shown in (
        ("PatientID", Level.PATIENT),
        ("StudyInstanceUID", Level.STUDY),
        ("SeriesInstanceUID", Level.SERIES),
    ):
        if shown <= level:
            setattr(response, keyword, found.get(keyword) or "")
    return response


def _keys(identifier: Dataset) -> list[DataElement]:
    """All keys, those inside the first item of a sequence included."""
    keys: list[DataElement] = []
    for element in identifier:
        if element.VR == "SQ":
            keys += [inner for item in list(element.value)[:1] for inner in item if inner.VR != "SQ"][:_MAX_SEQUENCE_KEYS]
        elif element.keyword != "QueryRetrieveLevel":
            keys.append(element)
    return keys


def _value(element: DataElement, found: dict[str, Any]) -> Any:
    value = found.get(element.keyword)
    if value is None:
        return None if element.VR in ("US", "SS", "UL", "SL", "FL", "FD", "AT") else ""
    return value


def _nested(element: DataElement, found: dict[str, Any]) -> DicomSequence:
    """The sequence with one item if anything of it is known."""
    asked = [inner for item in list(element.value)[:1] for inner in item if inner.VR != "SQ"]
    if not any(found.get(inner.keyword) for inner in asked):
        return DicomSequence()
    item = Dataset()
    for inner in asked:
        item.add(DataElement(inner.tag, inner.VR, _value(inner, found)))
    return DicomSequence([item])
