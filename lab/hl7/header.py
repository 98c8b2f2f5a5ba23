"""MSH read as bytes: what an answer must name even where the rest cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from lab.errors import REQUIRED_FIELD, UnreadableMessage

AFTER: Final = b"\x00\x0b\x1c\r\n"
"""Bytes seen after messages that are no part of them: NUL, MLLP blocks, line ends."""

BEFORE: Final = b"\xef\xbb\xbf \t" + AFTER
"""Bytes seen before messages: the same, a byte order mark, blanks."""

ORIGINAL, ENHANCED = "original", "enhanced"
ACKNOWLEDGEMENT_CONDITIONS: Final = ("AL", "NE", "ER", "SU")
"""HL7 table 0155. Any other text in MSH-15 or MSH-16 (analysers write 0, 1, 2 for sample, calibration, control) asks for nothing."""

_LINE_END: Final = re.compile(rb"[\r\n]")


class Sender(NamedTuple):
    """Who sent a message: MSH-3 and MSH-4, the first component of each."""

    application: str
    facility: str


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of MSH as sent, `fields[n - 1]` is MSH-n; text that is not ASCII is kept as ISO 8859-1 characters.

    It is read without regard to MSH-2 and MSH-18, so that there is one wherever the bytes begin with MSH and a separator.
    """

    field_separator: str
    fields: tuple[str, ...]

    def field(self, number: int) -> str:
        """Return MSH-`number` as sent; empty where it is absent."""
        return self.fields[number - 1] if 0 < number <= len(self.fields) else ""

    def first(self, number: int) -> str:
        """Return the first component of the first repetition of MSH-`number`."""
        characters = self.field(2)
        value = self.field(number)
        for separator in (characters[1:2] or "~", characters[:1] or "^"):
            value = value.split(separator, 1)[0]
        return value.strip()

    @property
    def type(self) -> str:
        """MSH-9 as `ORU^R01`."""
        parts = self.field(9).split(self.field(2)[:1] or "^")
        return "^".join(part.strip() for part in parts[:2] if part.strip())

    @property
    def control_id(self) -> str:
        """MSH-10; empty where there is none."""
        return self.first(10)

    @property
    def sender(self) -> Sender:
        """MSH-3 and MSH-4."""
        return Sender(self.first(3), self.first(4))

    @property
    def receiver(self) -> Sender:
        """MSH-5 and MSH-6."""
        return Sender(self.first(5), self.first(6))

    @property
    def processing_id(self) -> str:
        """MSH-11: P, T or D."""
        return self.first(11)

    @property
    def version(self) -> str:
        """MSH-12, such as `2.5.1`."""
        return self.first(12)

    @property
    def accept_condition(self) -> str:
        """MSH-15 where it is a value of table 0155, else empty."""
        return self._condition(15)

    @property
    def application_condition(self) -> str:
        """MSH-16 where it is a value of table 0155, else empty."""
        return self._condition(16)

    @property
    def mode(self) -> str:
        """`enhanced` where MSH-15 or MSH-16 asks for something (HL7 v2.5.1 section 2.9.2), else `original`."""
        return ENHANCED if self.accept_condition or self.application_condition else ORIGINAL

    def _condition(self, number: int) -> str:
        value = self.first(number).upper()
        return value if value in ACKNOWLEDGEMENT_CONDITIONS else ""


def msh_line(raw: bytes) -> tuple[int, bytes]:
    """Return where MSH begins and its line. Raises UnreadableMessage where the bytes do not begin with MSH."""
    start = len(raw) - len(raw.lstrip(BEFORE)) if raw[:1] != b"M" else 0
    if raw[start : start + 3] != b"MSH":
        if raw[start : start + 3] in (b"FHS", b"BHS"):
            raise UnreadableMessage("a batch: part it first (lab.hl7.messages)")
        begins = raw[start : start + 12].decode("ascii", "replace")
        raise UnreadableMessage(f"no HL7 message: it begins with {begins!r}, not with MSH" if begins else "no HL7 message: it is empty")
    end = _LINE_END.search(raw, start)
    return start, raw[start : end.start() if end else len(raw)]


def read_header(raw: bytes) -> Header:
    """Return MSH of a message, however damaged the rest is. Raises UnreadableMessage where there is no MSH."""
    _, line = msh_line(raw)
    separator = line[3:4].decode("latin-1")
    if not separator or separator.isalnum() or separator.isspace():
        raise UnreadableMessage("MSH-1 is missing: a message begins with MSH and a field separator, as in MSH|^~\\&|", REQUIRED_FIELD)
    return Header(separator, (separator, *line[4:].decode("latin-1").split(separator)))
