"""Attributes as queries name them: by keyword, by tag, or by a path through sequences (PS3.18 section 8.3.4.1)."""

from __future__ import annotations

import re

from pydicom.datadict import tag_for_keyword

from dicom_gateway.index.attributes import ATTRIBUTES, Attribute
from dicom_gateway.index.matching import BadQuery

MAX_STEPS = 8
_TAG = re.compile(r"[0-9A-Fa-f]{8}")

Path = tuple[str, ...]  # tags of eight upper-case hex digits; all but the last are sequences

_BY_PATH = {(*((a.within,) if a.within else ()), a.tag): a for a in ATTRIBUTES}


def path_of(name: str) -> Path:
    """The tags that `name` leads through. Raises `BadQuery` for what is no attribute of the standard and no tag."""
    steps = name.split(".")
    if len(steps) > MAX_STEPS:
        raise BadQuery(f"{name} leads through more than {MAX_STEPS} steps")
    return tuple(_tag(step, name) for step in steps)


def attribute_at(path: Path) -> Attribute | None:
    """The attribute that the index keeps for this path, if it does."""
    return _BY_PATH.get(path)


def _tag(step: str, name: str) -> str:
    if _TAG.fullmatch(step):
        return step.upper()
    tag = tag_for_keyword(step)
    if tag is None:
        raise BadQuery(f"{name} is not an attribute: give its keyword, or its tag as eight hexadecimal digits")
    return f"{tag:08X}"
