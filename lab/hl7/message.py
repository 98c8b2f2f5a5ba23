"""A parsed message: segments that are split only as far as somebody looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from lab.hl7.delimiters import Delimiters
from lab.hl7.escapes import unescape
from lab.hl7.header import Header, Sender
from lab.hl7.paths import read_path

HEADERS: Final = ("MSH", "FHS", "BHS")
"""Segments whose first field is the field separator itself."""

DELETED: Final = '""'
"""A field that holds this asks the receiver to delete what it has; an empty field says nothing (HL7 v2.5.1 section 2.5.3)."""

TEXT_TYPES: Final = ("ST", "TX", "FT")
"""OBX-2 of values that are text without components."""

ABSENT: Final = "\r"
"""Stands for a separator that the message does not have: no line holds it."""

Nested = str | Sequence["Nested"]


class Notation:
    """How the texts of one message are to be read: its delimiters and its codec.

    `marks` are the five separators, field first; in place of one that the message does not have stands a character that no line holds.
    """

    __slots__ = ("codec", "delimiters", "marks")

    def __init__(self, delimiters: Delimiters, codec: str = "utf-8") -> None:
        self.delimiters, self.codec = delimiters, codec
        self.marks = (
            delimiters.field,
            delimiters.repetition or ABSENT,
            delimiters.component or ABSENT,
            delimiters.subcomponent or ABSENT,
            delimiters.escape or ABSENT,
        )


class Segment:
    """One line of a message. Numbers of fields, repetitions, components and sub-components count from 1, as in the standard."""

    __slots__ = ("_fields", "line", "notation")

    def __init__(self, line: str, notation: Notation) -> None:
        self.line, self.notation = line, notation
        self._fields: list[str] | None = None

    def __str__(self) -> str:
        return self.line

    def __repr__(self) -> str:
        return f"Segment({self.line[:80]!r})"

    @property
    def name(self) -> str:
        """Return the three characters it begins with."""
        return self.line[:3]

    @property
    def fields(self) -> list[str]:
        """Return the fields as sent; `fields[n]` is field n and `fields[0]` the name."""
        fields = self._fields
        if fields is None:
            separator = self.notation.delimiters.field
            fields = self.line.split(separator)
            if fields[0] in HEADERS:
                fields.insert(1, separator)
            self._fields = fields
        return fields

    def raw(self, field: int) -> str:
        """Return a field as sent, with its separators and escapes; empty where it is absent."""
        fields = self._fields or self.fields
        return fields[field] if field < len(fields) else ""

    def repetitions(self, field: int) -> list[str]:
        """Return the repetitions of a field as sent; none where the field is empty or absent."""
        value, separator = self.raw(field), self.notation.delimiters.repetition
        if not value:
            return []
        return value.split(separator) if separator else [value]

    def components(self, field: int, repetition: int = 1) -> list[str]:
        """Return the components of one repetition as read: escapes undone, sub-components left as sent."""
        value = self._repetition(field, repetition)
        return split_components(value, self.notation) if value else []

    def text(self, field: int, repetition: int = 1, component: int = 1, subcomponent: int = 1) -> str | None:
        """Return the text at a place with its escapes undone; None where there is nothing.

        A place that is not named is the first: PID-5 reads PID-5[1].1.1, as the standard asks of receivers (section 2.8).
        """
        value = self._repetition(field, repetition)
        if not value:
            return None
        if field <= 2 and self.name in HEADERS:
            return value if component == subcomponent == 1 else None
        if component == subcomponent == 1:
            return first_text(value, self.notation) or None
        delimiters = self.notation.delimiters
        value = nth(nth(value, delimiters.component, component), delimiters.subcomponent, subcomponent)
        return unescape(value, delimiters, self.notation.codec) or None

    def holds_text(self, field: int) -> bool:
        """True if a field is free text, in which separators are characters."""
        name = self.name
        if name == "OBX":
            return field == 7 or (field == 5 and self.raw(2) in TEXT_TYPES)
        return name == "NTE" and field == 3

    def whole(self, field: int, repetition: int = 1) -> str:
        """Return one repetition as text: escapes undone, separators that stand in it kept as characters."""
        return unescape(self._repetition(field, repetition), self.notation.delimiters, self.notation.codec)

    def nested(self) -> list[Nested]:
        """Return the fields with their parts, escapes undone.

        A field without separators is its text, any other the list of its repetitions; of these each is a text or the list of its
        components, and of these each a text or the list of its sub-components.
        """
        return nested_fields(self.line, self.notation)

    def _repetition(self, field: int, number: int) -> str:
        fields = self._fields or self.fields
        value = fields[field] if field < len(fields) else ""
        if not value:
            return ""
        if field <= 2 and self.name in HEADERS:
            return value if number == 1 else ""
        separator = self.notation.delimiters.repetition
        if number == 1 and separator not in value:
            return value
        return nth(value, separator, number)


def nth(value: str, separator: str, number: int) -> str:
    """Return part `number` of a text, counted from 1, without copying the others; empty where there is none.

    Where the message has no such separator, the text is its only part.
    """
    start = 0
    if not separator:
        return value if number == 1 else ""
    for _ in range(number - 1):
        start = value.find(separator, start) + 1
        if not start:
            return ""
    end = value.find(separator, start)
    return value[start:] if end < 0 else value[start:end]


def first_text(value: str, notation: Notation) -> str:
    """Return the first sub-component of the first component of the first repetition of a field, escapes undone."""
    if not value:
        return ""
    _, repetition, component, subcomponent, escape = notation.marks
    if repetition in value:
        value = value[: value.index(repetition)]
    if component in value:
        value = value[: value.index(component)]
    if subcomponent in value:
        value = value[: value.index(subcomponent)]
    return unescape(value, notation.delimiters, notation.codec) if escape in value else value


def nested_fields(line: str, notation: Notation) -> list[Nested]:
    """Return the fields of a line as `Segment.nested` does."""
    separator, repetition, component, subcomponent, escape = notation.marks
    fields = line.split(separator)
    found: list[Nested]
    if repetition in line or subcomponent in line:
        found = [
            _parts(field, repetition, component, subcomponent)
            if repetition in field or subcomponent in field
            else [field.split(component)]
            if component in field
            else field
            for field in fields
        ]
    else:
        found = [[field.split(component)] if component in field else field for field in fields]
    if escape in line:
        found = [_unescaped(field, notation) for field in found]
    if fields[0] in HEADERS:
        found[1:2] = [separator, *fields[1:2]]
    return found


def _parts(field: str, repetition: str, component: str, subcomponent: str) -> list[Nested]:
    if repetition in field:
        return [_components(each, component, subcomponent) for each in field.split(repetition)]
    return [_components(field, component, subcomponent)]


def _components(each: str, component: str, subcomponent: str) -> Nested:
    if subcomponent not in each:
        return each.split(component) if component in each else each
    if component not in each:
        return [each.split(subcomponent)]
    return [part.split(subcomponent) if subcomponent in part else part for part in each.split(component)]


def _unescaped(part: Nested, notation: Notation) -> Nested:
    if isinstance(part, str):
        return unescape(part, notation.delimiters, notation.codec)
    return [_unescaped(inner, notation) for inner in part]


def split_components(value: str, notation: Notation) -> list[str]:
    """Return the components of one repetition as sent, with escapes undone and sub-components left in them."""
    delimiters = notation.delimiters
    parts = value.split(delimiters.component) if delimiters.component else [value]
    if delimiters.escape and delimiters.escape in value:
        return [unescape(part, delimiters, notation.codec) for part in parts]
    return parts


def as_sent(message: Message) -> bytes:
    """Return the bytes that were parsed; the same as `bytes(message)`."""
    return bytes(message)


class Message:
    """A message as it came, its characters decoded and its lines told apart. `lab.hl7.parse` makes it.

    `character_set` is the name that MSH-18 gives (empty where it gives none), `notes` is what the parser passed over or
    replaced, one sentence each. `bytes(message)` is exactly what came.
    """

    def __init__(self, raw: bytes, lines: list[str], notation: Notation, character_set: str, notes: list[str]) -> None:
        self._raw, self._lines = raw, lines
        self.notation, self.character_set, self.notes = notation, character_set, notes

    def __bytes__(self) -> bytes:
        return self._raw

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Segment]:
        notation = self.notation
        return (Segment(line, notation) for line in self._lines)

    def __repr__(self) -> str:
        return f"<{self.type or 'message without type'} {self.control_id or 'without control id'}, {len(self)} segments>"

    @property
    def delimiters(self) -> Delimiters:
        """Return the delimiters of MSH-1 and MSH-2."""
        return self.notation.delimiters

    @cached_property
    def msh(self) -> Segment:
        """Return the first segment."""
        return Segment(self._lines[0], self.notation)

    @cached_property
    def header(self) -> Header:
        """Return the fields of MSH, decoded."""
        return Header(self.notation.delimiters.field, tuple(self.msh.fields[1:]))

    @cached_property
    def type(self) -> str:
        """Return MSH-9 as `ORU^R01`; empty where there is none."""
        return "^".join(part for part in (self.msh.text(9), self.msh.text(9, 1, 2)) if part)

    @property
    def control_id(self) -> str | None:
        """Return MSH-10; None where there is none."""
        return self.msh.text(10)

    @property
    def sender(self) -> Sender:
        """Return MSH-3 and MSH-4, empty where there are none."""
        return Sender(self.msh.text(3) or "", self.msh.text(4) or "")

    def segments(self, name: str = "") -> list[Segment]:
        """Return the segments of a name, or all, in the order in which they came."""
        notation = self.notation
        return [Segment(line, notation) for line in self._lines if line.startswith(name)]

    def text(self, path: str) -> str | None:
        """Return the text at a path such as `OBX[2]-5[1].1`, decoded and with escapes undone; None where there is nothing.

        Where no component is named, a field of free text (NTE-3, OBX-5 of a text) is read whole: senders leave `&` in it unescaped.
        `""` is returned as sent: it is not nothing, it asks to delete. Raises BadPath.
        """
        name, occurrence, field, repetition, component, subcomponent = read_path(path)
        for line in self._lines:
            if line.startswith(name):
                occurrence -= 1
                if not occurrence:
                    segment = Segment(line, self.notation)
                    if not component and segment.holds_text(field):
                        return segment.whole(field, repetition) or None
                    return segment.text(field, repetition, component or 1, subcomponent)
        return None

    def nested(self) -> list[list[Nested]]:
        """Return every segment as `Segment.nested` does."""
        notation = self.notation
        separator, repetition, component, subcomponent, escape = notation.marks
        found = [nested_fields(self._lines[0], notation)]
        for line in self._lines[1:]:
            if repetition in line or subcomponent in line or escape in line:
                found.append(nested_fields(line, notation))
            else:  # most lines, without the cost of a call
                found.append([[field.split(component)] if component in field else field for field in line.split(separator)])
        return found
