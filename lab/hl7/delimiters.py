"""MSH-1 and MSH-2: the characters that separate the parts of a message."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lab.errors import REQUIRED_FIELD, UnreadableMessage


@dataclass(frozen=True, slots=True)
class Delimiters:
    """One character each; empty where the message names none. `truncation` (since 2.7) separates nothing."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""

    @property
    def encoding_characters(self) -> str:
        """MSH-2 as it is written."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


STANDARD: Final = Delimiters()
MAX_ENCODING_CHARACTERS: Final = 5


def read_delimiters(msh: bytes) -> Delimiters:
    """Return the delimiters that a line beginning with MSH declares.

    MSH-2 may hold one to five characters (HL7 v2.7.1 section 2.5.4: those not used may be left out from the end). Of three, a
    third `&` is the sub-component separator of a sender that escapes nothing. Raises UnreadableMessage for anything else.
    """
    separator = msh[3:4]
    declared = msh[4:].split(separator, 1)[0] if separator else b""
    return _delimiters(separator.decode("latin-1"), declared.decode("latin-1"))


@lru_cache(maxsize=256)
def _delimiters(field: str, declared: str) -> Delimiters:
    found = declared.rstrip()
    if not _separates(field):
        raise UnreadableMessage("MSH-1 is missing: a message begins with MSH and a field separator, as in MSH|^~\\&|", REQUIRED_FIELD)
    if not found:
        raise UnreadableMessage("MSH-2 is empty: it names the encoding characters, usually ^~\\&", REQUIRED_FIELD, segment="MSH", field=2)
    if len(found) > MAX_ENCODING_CHARACTERS or not all(map(_separates, found)):
        raise UnreadableMessage(
            f"MSH-2 {found[:12]!r} is not one to five encoding characters, none of them a letter, digit or space", segment="MSH", field=2
        )
    if len({field, *found}) != 1 + len(found):
        raise UnreadableMessage(f"MSH-1 and MSH-2 name one character twice: {field + found!r}", segment="MSH", field=2)
    if len(found) == 3 and found[2] == "&":
        return Delimiters(field, found[0], found[1], "", "&")
    component, repetition, escape, subcomponent, truncation = [*found, *[""] * (MAX_ENCODING_CHARACTERS - len(found))]
    return Delimiters(field, component, repetition, escape, subcomponent, truncation)


def _separates(character: str) -> bool:
    return len(character) == 1 and "!" <= character <= "~" and not character.isalnum()
