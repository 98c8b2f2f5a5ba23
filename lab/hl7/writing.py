"""Messages written: segments from numbered fields, and the envelope that every message has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from lab.errors import DATA_TYPE, WrongCharacters
from lab.hl7.character_sets import codec_named
from lab.hl7.datatypes import Code, Identifier
from lab.hl7.delimiters import STANDARD, Delimiters
from lab.hl7.escapes import escape
from lab.hl7.header import Sender
from lab.hl7.times import Time, write_time

Part = str | int | date | Time | Code | Identifier | tuple["Part", ...] | None
Field = Part | list["Field"]
"""A text, a tuple of components (a tuple in it: of sub-components), or a list of repetitions."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """MSH of a message to be written: who sends it to whom, under which control id, when (with a zone), in which character set.

    `accept` and `application` are MSH-15 and MSH-16 (HL7 table 0155); both empty is original mode.
    """

    sender: Sender
    receiver: Sender
    control_id: str
    at: datetime
    character_set: str = "UNICODE UTF-8"
    version: str = "2.5.1"
    processing_id: str = "P"
    accept: str = ""
    application: str = ""
    country: str = "CHN"

    def msh(self, kind: str) -> Mapping[int, Field]:
        """Return the fields of MSH for a type such as `ORU^R01^ORU_R01`."""
        return {
            3: self.sender.application,
            4: self.sender.facility,
            5: self.receiver.application,
            6: self.receiver.facility,
            7: self.at,
            9: tuple(kind.split("^")),
            10: self.control_id,
            11: self.processing_id,
            12: self.version,
            15: self.accept,
            16: self.application,
            17: self.country,
            18: self.character_set,
        }


def line(name: str, fields: Mapping[int, Field], delimiters: Delimiters = STANDARD) -> str:
    """Return one segment; fields that hold nothing at its end are left out."""
    texts = [_written(fields.get(number), delimiters) for number in range(1, max(fields, default=0) + 1)]
    if name == "MSH":
        texts[0:2] = [delimiters.encoding_characters]
    while texts and not texts[-1]:
        texts.pop()
    return delimiters.field.join([name, *texts])


def _written(field: Field, delimiters: Delimiters) -> str:
    if isinstance(field, list):
        return (delimiters.repetition or " ").join(_written(each, delimiters) for each in field)
    return _part(field, delimiters, (delimiters.component, delimiters.subcomponent))


def _part(part: Part, delimiters: Delimiters, separators: Sequence[str]) -> str:
    match part:
        case None:
            return ""
        case Time():
            return escape(part.as_sent, delimiters)
        case Code():
            parts: tuple[Part, ...] = (*part[:6], "", "", part.original)
        case Identifier():
            parts = (part.id, part.authority)
        case tuple():
            parts = part
        case date():
            return write_time(part)
        case _:
            return escape(str(part), delimiters)
    separator = (separators[0] if separators else "") or " "
    texts = [_part(each, delimiters, separators[1:]) for each in parts]
    while texts and not texts[-1]:
        texts.pop()
    return separator.join(texts)


def numbered(identifier: Identifier) -> Part:
    """Return an identifier as CX: number, assigning authority in its place, type."""
    return (identifier.id, "", "", identifier.authority, identifier.type)


def encoded(lines: Sequence[str], character_set: str) -> bytes:
    """Return the bytes of a message. Raises WrongCharacters where the character set is unknown or cannot hold the text."""
    codec = codec_named(character_set)
    if codec is None:
        raise WrongCharacters(f"the character set {character_set!r} is not written here", "103", segment="MSH", field=18)
    text = "\r".join(lines) + "\r"
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        wrong = text[error.start : error.start + 1]
        raise WrongCharacters(f"{wrong!r} (U+{ord(wrong):04X}) cannot be written in {character_set}", DATA_TYPE) from None


LAST_VERSION_OF_OLD_ERR: Final = "2.4"
"""Up to this version ERR has one field, ERR-1 (HL7 v2.5 brought ERR-3 and the others)."""
