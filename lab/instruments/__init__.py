"""Instrument profiles: where an analyser puts what, as data.

A profile is a TOML file. Places are written as `O-3.3` or `MSH-16`: record or segment, field, and where given the component; without
one the first component that is not empty is meant.

    name = "generic"
    character_set = "UTF-8"                      # of ASTM records; HL7 messages name theirs themselves
    specimen = ["O-3", "O-4"]                    # tried in this order
    code = "R-3"                                 # how a test is named
    hold_marks = "*?!"                           # a value or a flag with one of these waits for a person
    control = [{ place = "O-12", values = ["Q"] }]
    calibration = [{ place = "MSH-16", values = ["1"] }]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from lab.errors import BadTable
from lab.hl7.character_sets import codec_named
from lab.hl7.message import Message

_PLACE: Final = re.compile(r"([A-Z][A-Z0-9]{0,2})-([1-9][0-9]?)(?:\.([1-9][0-9]?))?")
PATIENT, CONTROL, CALIBRATION = "patient", "control", "calibration"


class Place(NamedTuple):
    """A record or segment, a field, and a component; component 0 is the first that is not empty."""

    record: str
    field: int
    component: int = 0


RESULT_TEST: Final = Place("R", 3)
"""R-3, universal test id."""


class Mark(NamedTuple):
    """A place and the values at it that mark something."""

    place: Place
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """What is particular about one kind of instrument."""

    name: str
    character_set: str = "UTF-8"
    specimen: tuple[Place, ...] = (Place("O", 3), Place("O", 4))
    code: Place = RESULT_TEST
    hold_marks: str = "*?!"
    control: tuple[Mark, ...] = (Mark(Place("O", 12), ("Q",)),)
    calibration: tuple[Mark, ...] = ()

    @property
    def codec(self) -> str:
        """Return the codec of `character_set`."""
        return codec_named(self.character_set) or "utf-8"

    def in_character_set(self, name: str) -> Profile:
        """Return the profile with another character set."""
        return replace(self, character_set=name)


def read_profile(text: str) -> Profile:
    """Return the profile that a TOML text describes. Raises BadTable with the key that cannot be used."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadTable(f"the profile is no TOML: {error}") from None
    unknown = sorted(set(content) - {each.name for each in fields(Profile)})
    if unknown:
        raise BadTable(f"a profile has no key {unknown[0]!r}; it has {', '.join(each.name for each in fields(Profile))}")
    if not isinstance(content.get("name"), str) or not content["name"]:
        raise BadTable("the profile needs a name")
    for key in ("character_set", "hold_marks"):
        if not isinstance(content.get(key, ""), str):
            raise BadTable(f"{key} of profile {content['name']} is a text")
    if codec_named(content.get("character_set", "UTF-8")) is None:
        raise BadTable(f"profile {content['name']} names the character set {content['character_set']!r}, which is not known")
    readers: dict[str, Callable[[Any, str], Any]] = {"specimen": _places, "code": _place, "control": _marks, "calibration": _marks}
    return Profile(**{key: readers[key](value, key) if key in readers else value for key, value in content.items()})


def _place(value: Any, key: str) -> Place:
    found = _PLACE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise BadTable(f"{key} names the place {value!r}; write it as O-3 or O-4.3")
    return Place(found[1], int(found[2]), int(found[3] or 0))


def _places(value: Any, key: str) -> tuple[Place, ...]:
    return tuple(_place(each, key) for each in (value if isinstance(value, list) else [value]))


def _marks(value: Any, key: str) -> tuple[Mark, ...]:
    if not isinstance(value, list) or not all(isinstance(each, dict) and {*each} == {"place", "values"} for each in value):
        raise BadTable(f'{key} is a list such as [{{ place = "O-12", values = ["Q"] }}]')
    return tuple(Mark(_place(each["place"], key), tuple(str(one) for one in each["values"])) for each in value)


@cache
def profile(name: str = "generic") -> Profile:
    """Return a profile of this library by its name. Raises BadTable for one that is not there."""
    there = {each.name.removesuffix(".toml"): each for each in files(__name__).iterdir() if each.name.endswith(".toml")}
    if name not in there:
        raise BadTable(f"there is no profile {name!r}; there are {', '.join(sorted(there))}")
    return read_profile(there[name].read_text(encoding="utf-8"))


def purpose(message: Message, of: Profile) -> str:
    """Return what an HL7 message of an instrument is about: patient, control or calibration."""
    for name, marks in ((CALIBRATION, of.calibration), (CONTROL, of.control)):
        for mark in marks:
            for segment in message.segments(mark.place.record) if len(mark.place.record) == 3 else ():
                if (segment.text(mark.place.field, 1, mark.place.component or 1) or "") in mark.values:
                    return name
    return PATIENT
