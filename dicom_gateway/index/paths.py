"""Attributes as queries name them: by keyword, by tag, or by a path through sequences (PS3.18 section 8.3.4.1)."""

from __future__ import annotations

import re

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from dicom_gateway.index.attributes import ATTRIBUTES, Attribute
from dicom_gateway.index.matching import BadQuery

MAX_STEPS = 8
_TAG = re.compile(r"[0-9A-Fa-f]{8}")

Path = tuple[str, ...]  # tags of eight upper-case hex digits; all but the last are sequences

_BY_PATH = {(*((a.within,) if a.within else ()), a.tag): a for a in ATTRIBUTES}


class NoAttribute(BadQuery):
    """The name is no attribute of the standard and no tag."""


def path_of(name: str) -> Path:
    """The tags that `name` leads through. Raises `NoAttribute`, and `BadQuery` where they are too many."""
    steps = name.split(".")
    if len(steps) > MAX_STEPS:
        raise BadQuery(f"{name} leads through more than {MAX_STEPS} steps")
    return tuple(_tag(step, name) for step in steps)


def attribute_at(path: Path) -> Attribute | None:
    """The attribute that the index keeps for this path, if it does."""
    return _BY_PATH.get(path)


def time_path(path: Path) -> Path | None:
    """The path of the time that belongs to a date (Series Time to Series Date), if there is one."""
    keyword = keyword_for_tag(path[-1])
    time = tag_for_keyword(keyword.replace("Date", "Time")) if "Date" in keyword else None
    if time is None or vr_of(path) != "DA" or dictionary_VR(time) != "TM":
        return None
    return (*path[:-1], f"{time:08X}")


def vr_of(path: Path) -> str:
    """The value representation of the attribute by PS3.6; empty for one that it does not know."""
    try:
        return dictionary_VR(path[-1])
    except KeyError:
        return ""


def _tag(step: str, name: str) -> str:
    if _TAG.fullmatch(step):
        return step.upper()
    tag = tag_for_keyword(step)
    if tag is None:
        raise NoAttribute(f"{name} is not an attribute: give its keyword, or its tag as eight hexadecimal digits")
    return f"{tag:08X}"
