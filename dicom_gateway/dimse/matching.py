"""Attribute matching over data sets (PS3.4 C.2.2.2), for what is not kept in the study index: worklist items.

Every key that the query gives must match; a key without a value matches whatever is there, and is answered.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence

from dicom_gateway.index import BadQuery
from dicom_gateway.index.moments import Range, combined_range, date_range, datetime_holds, datetime_range, time_range
from dicom_gateway.index.wildcards import like, name_matches

MAX_PATTERN = 1024  # characters of one key
MAX_DEPTH = 8  # sequences within sequences
_WILDCARD = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_NUMBER = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_NOT_KEYS = frozenset({"SpecificCharacterSet", "TimezoneOffsetFromUTC", "QueryRetrieveLevel"})
# A range of dates and one of times are one range of moments (PS3.4 table K.6-1, Scheduled Procedure Step Start Time).
_MOMENTS = (("ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime"),)


def check(keys: Dataset, depth: int = 0) -> None:
    """Raises `BadQuery` for a key that cannot be understood."""
    if depth > MAX_DEPTH:
        raise BadQuery(f"sequences are nested more than {MAX_DEPTH} deep")
    for key in keys:
        if key.VR == "SQ":
            for item in key.value[:1]:
                check(item, depth + 1)
            continue
        for value in texts(key):
            if len(value) > MAX_PATTERN:
                raise BadQuery(f"{key.keyword or key.tag}: at most {MAX_PATTERN} characters")
            if key.VR in ("DA", "TM", "DT") and value != "*":
                _check_range(key, value)
            if key.VR in _NUMBER and value != "*":
                _number(value, key)


def matches(item: Dataset, keys: Dataset) -> bool:
    """True if `item` matches every key of `keys`. Raises `BadQuery` where `check` would."""
    combined = {keyword for pair in _MOMENTS if _are_ranges(keys, pair) for keyword in pair}
    plain = all(
        _matches_element(item, key) for key in keys if key.keyword not in combined and key.keyword not in _NOT_KEYS and key.tag.element
    )
    return plain and all(_within_moments(item, keys, pair) for pair in _MOMENTS if combined.issuperset(pair))


def answered(item: Dataset, keys: Dataset, depth: int = 0) -> Dataset:
    """The attributes of `item` that `keys` names, empty where there is nothing (PS3.4 C.4.1.1.3.2). A sequence key without an
    item, or with an empty one, asks for all of it (C.2.2.2.6)."""
    response = Dataset()
    if depth > MAX_DEPTH:
        return response
    for key in keys:
        if key.keyword in _NOT_KEYS or not key.tag.element:
            continue
        found = item.get(key.tag)
        if key.VR != "SQ":
            response.add(DataElement(key.tag, key.VR, found.value if found is not None else None))
            continue
        inner = key.value[0] if key.value else Dataset()
        items = [each if not len(inner) else answered(each, inner, depth + 1) for each in (found.value if found is not None else ())]
        response.add(DataElement(key.tag, "SQ", DicomSequence(items)))
    return response


def texts(element: DataElement | None) -> list[str]:
    """The values of an element as text, without the spaces around them and without empty ones."""
    if element is None or element.value is None or element.VR == "SQ":
        return []
    values: Iterable[object] = element.value if isinstance(element.value, MultiValue | list) else [element.value]
    return [text for text in (str(value).strip(" \0") for value in values) if text]


def _matches_element(item: Dataset, key: DataElement) -> bool:
    if key.VR == "SQ":
        if not key.value or not len(key.value[0]):
            return True
        found = item[key.tag].value if key.tag in item else ()
        return _asks_nothing(key.value[0]) or any(matches(each, key.value[0]) for each in found)
    wanted = texts(key)
    if not wanted or wanted == ["*"]:
        return True
    have = texts(item.get(key.tag))
    return any(_matches_value(key, value, each) for each in have for value in wanted)


def _asks_nothing(keys: Dataset) -> bool:
    """Universal matching all through: it matches also where there is no item."""
    return all((not key.value or _asks_nothing(key.value[0])) if key.VR == "SQ" else texts(key) in ([], ["*"]) for key in keys)


def _matches_value(key: DataElement, wanted: str, have: str) -> bool:
    if key.VR == "PN":
        return name_matches(wanted, have)
    if key.VR == "DT":
        bounds = datetime_range(wanted)
        return bounds is not None and datetime_holds(bounds, have)
    if key.VR in ("DA", "TM"):
        return _range(key, wanted).holds(have)
    if key.VR in _NUMBER:
        return _number(wanted, key) == _number(have, key)
    if key.VR in _WILDCARD and ("*" in wanted or "?" in wanted):
        return like(wanted, have)
    return wanted == have


def _range(key: DataElement, value: str) -> Range:
    """The range that a date or a time names. Raises `BadQuery`."""
    found = date_range(value) if key.VR == "DA" else time_range(value)
    if found is None:
        raise BadQuery(f"{key.keyword or key.tag}: {value!r} is no {'date' if key.VR == 'DA' else 'time'} and no range")
    return found


def _check_range(key: DataElement, value: str) -> None:
    """Raises `BadQuery` for what is no date, no time, not both in one, and no range of them."""
    if key.VR != "DT":
        _range(key, value)
    elif datetime_range(value) is None:
        raise BadQuery(f"{key.keyword or key.tag}: {value!r} is no date and time and no range")


def _are_ranges(keys: Dataset, pair: tuple[str, str]) -> bool:
    return all(keyword in keys and "-" in str(keys[keyword].value or "") for keyword in pair)


def _within_moments(item: Dataset, keys: Dataset, pair: tuple[str, str]) -> bool:
    """The item's moment lies between the first date at the first time and the last date at the last time."""
    bounds = combined_range(*(_range(keys[keyword], str(keys[keyword].value)) for keyword in pair))
    days, times = (texts(item[keyword] if keyword in item else None) for keyword in pair)  # noqa: SIM401  # `get` of a keyword gives its value
    return bool(days) and bounds.holds(days[0] + (times[0] if times else ""))


def _number(text: str, key: DataElement) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadQuery(f"{key.keyword or key.tag}: {text!r} is no number") from None
