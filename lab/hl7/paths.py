"""Where a text stands in a message: `OBX[2]-5[1].1.1` is the second OBX, field 5, repetition 1, component 1, sub-component 1."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from lab.errors import BadPath

_PATH: Final = re.compile(
    r"(?P<segment>[A-Z][A-Z0-9]{2})(?:\[(?P<occurrence>[1-9]\d{0,6})\])?-(?P<field>[1-9]\d{0,3})(?:\[(?P<repetition>[1-9]\d{0,4})\])?"
    r"(?:\.(?P<component>[1-9]\d{0,4}))?(?:\.(?P<subcomponent>[1-9]\d{0,4}))?"
)


class Path(NamedTuple):
    """All numbers count from 1; one that is left out is 1, but a component that is left out is 0."""

    segment: str
    occurrence: int
    field: int
    repetition: int
    component: int
    subcomponent: int


@lru_cache(maxsize=1024)
def read_path(text: str) -> Path:
    """Return the parts of a path. Raises BadPath."""
    found = _PATH.fullmatch(text)
    if found is None:
        raise BadPath(f"{text!r} is no path; write it as PID-5, PID-3[2].4.1 or OBX[2]-5.1")
    numbers = {name: int(found[name] or 1) for name in Path._fields[1:]}
    return Path(found["segment"], **{**numbers, "component": int(found["component"] or 0)})
