"""OBX-5 read by OBX-2. What was sent is always kept; a number is never made of what is none, and never zero of nothing."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Final, NamedTuple

from lab.hl7.datatypes import Code, Document, Identifier, code_of, document_of, identifier_of
from lab.hl7.escapes import unescape
from lab.hl7.message import DELETED, Notation, Segment, first_text, split_components
from lab.hl7.times import Time, read_clock, read_time
from lab.limits import MAX_DIGITS

_FIGURE: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-][0-9]{1,3})?"
_NUMBER: Final = re.compile(rf"(<>|[<>]=?|=[<>]?|[≤≥≦≧])?\s*({_FIGURE})")
_PLAIN: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_RANGE: Final = re.compile(rf"({_FIGURE})\s*[-–—~]\s*({_FIGURE})")
_RATIO: Final = re.compile(rf"(<>|[<>]=?|[≤≥≦≧])?\s*({_FIGURE})\s*[:∶]\s*({_FIGURE})")
_DASHES: Final = re.compile(r"[-–—−_*.·…/\\]+")
_COMPARATORS: Final = {"≤": "<=", "≦": "<=", "=<": "<=", "≥": ">=", "≧": ">=", "=>": ">=", "=": ""}


class Value(NamedTuple):
    """What an OBX says.

    `kind` is one of `none number range ratio text code time clock document pointer array identifier`, and the field of that name
    holds it (a range is `low` and `high`). `type` is OBX-2, `as_sent` is OBX-5 as sent, `text` is what a person reads. `note` says
    what was odd about it. `deletes` is true where `""` was sent: the receiver is asked to delete what it has.
    """

    kind: str
    type: str
    as_sent: str
    text: str = ""
    number: float | None = None
    comparator: str = ""
    low: float | None = None
    high: float | None = None
    ratio: tuple[float, float] | None = None
    code: Code | None = None
    time: Time | None = None
    document: Document | None = None
    pointer: str = ""
    array: tuple[tuple[float | None, ...], ...] = ()
    identifier: Identifier | None = None
    note: str = ""
    deletes: bool = False


def figure(text: str) -> float | None:
    """Return the number that a text is, or None: digits with a sign, a point and an exponent with its sign, nothing else."""
    if len(text) > MAX_DIGITS or re.fullmatch(_FIGURE, text) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def looks(text: str) -> Value | None:
    """Return the value that a text is by its look: a number, a range or a ratio; None where it is just text.

    Full-width digits and signs are read as their narrow forms.
    """
    if len(text) > 2 * MAX_DIGITS:
        return None
    if _PLAIN.fullmatch(text):
        number = figure(text)
        return None if number is None else Value("number", "", text, text, number)
    stripped = text.strip().replace("−", "-")
    plain = unicodedata.normalize("NFKC", stripped)
    note = "full-width digits" if plain != stripped else ""
    if found := _NUMBER.fullmatch(plain):
        number = figure(found[2])
        return None if number is None else Value("number", "", text, text, number, _comparator(found[1]), note=note)
    if found := _RATIO.fullmatch(plain):
        one, other = figure(found[2]), figure(found[3])
        if one is not None and other is not None:
            return Value("ratio", "", text, text, comparator=_comparator(found[1]), ratio=(one, other), note=note)
    if found := _RANGE.fullmatch(plain):
        one, other = figure(found[1]), figure(found[2])
        if one is not None and other is not None and one <= other:
            return Value("range", "", text, text, low=one, high=other, note=note)
    return None


def _comparator(sent: str | None) -> str:
    return _COMPARATORS.get(sent, sent) if sent else ""


class _Field(NamedTuple):
    """OBX-5 of one segment with what is needed to read it."""

    sent: str
    type: str
    repetitions: list[str]
    notation: Notation
    zone: tzinfo | None

    def whole(self) -> str:
        """Return the text of all repetitions, one a line, escapes undone."""
        if len(self.repetitions) == 1:
            return unescape(self.sent, self.notation.delimiters, self.notation.codec)
        return "\n".join(unescape(each, self.notation.delimiters, self.notation.codec) for each in self.repetitions)

    def components(self) -> list[str]:
        """Return the components of the first repetition, escapes undone."""
        return split_components(self.repetitions[0], self.notation)

    def value(self, kind: str, **named: Any) -> Value:
        """Return a value of this field; of several repetitions it is said that there are several."""
        if len(self.repetitions) > 1 and kind not in ("text", "array"):
            several = f"{len(self.repetitions)} values, the first is read"
            named["note"] = f"{named['note']}; {several}" if named.get("note") else several
        return Value(kind, self.type, self.sent, **named)


def read_value(segment: Segment, zone: tzinfo | None = None) -> Value:
    """Return the value of an OBX. `zone` is that of times which name none. Never raises for what the field holds."""
    sent, type_ = segment.raw(5), segment.raw(2)
    if type_ == "NM" and len(sent) <= MAX_DIGITS and _PLAIN.fullmatch(sent):
        return Value("number", "NM", sent, sent, float(sent))
    type_ = first_text(type_, segment.notation).strip().upper()
    if not sent or sent.isspace():
        return Value("none", type_, sent)
    if sent == DELETED:
        return Value("none", type_, sent, deletes=True)
    field = _Field(sent, type_, segment.repetitions(5), segment.notation, zone)
    reader = _READERS.get(type_)
    if reader is not None:
        return reader(field)
    note = f"unknown OBX-2 {type_}" if type_ else "OBX-2 empty, taken by its look"
    return _by_look(field, note) if not type_ else field.value("text", text=field.whole(), note=note)


def _number(field: _Field) -> Value:
    text = field.whole()
    seen = looks(text) if len(field.repetitions) == 1 else None
    if seen is not None:
        note = seen.note if seen.kind == "number" else f"a {seen.kind} under NM"
        return seen._replace(type=field.type, as_sent=field.sent, note=note)
    if _DASHES.fullmatch(text.strip()):
        return field.value("none", text=text, note="not measured")
    return field.value("text", text=text, note="no number under NM")


def _by_look(field: _Field, note: str) -> Value:
    text = field.whole()
    seen = looks(text) if len(field.repetitions) == 1 else None
    if seen is not None:
        return seen._replace(type=field.type, as_sent=field.sent, note=note)
    if len(text) > 2 and _DASHES.fullmatch(text):
        return field.value("none", text=text, note="not measured")
    return field.value("text", text=text, note=note if not field.type else "")


def _string(field: _Field) -> Value:
    return _by_look(field, f"a number under {field.type}")


def _text(field: _Field) -> Value:
    return field.value("text", text=field.whole())


def _structured(field: _Field) -> Value:
    """SN: comparator, number, separator or suffix, number (HL7 v2.5.1 section 2.A.70)."""
    parts = [part.strip() for part in field.components()]
    if len(parts) == 1:
        return _by_look(field, "no components under SN")
    comparator, first, separator, second = (*parts, "", "", "")[:4]
    text = "".join((comparator, first, separator, second))
    one, other = figure(unicodedata.normalize("NFKC", first)), figure(unicodedata.normalize("NFKC", second))
    comparator = _comparator(comparator)
    if one is not None and not separator and not second:
        return field.value("number", text=text, number=one, comparator=comparator)
    if one is not None and other is not None and separator == "-":
        return field.value("range", text=text, low=one, high=other, comparator=comparator)
    if one is not None and other is not None and separator in (":", "/"):
        return field.value("ratio", text=text, ratio=(one, other), comparator=comparator)
    return field.value("text", text=text, note="" if one is not None and separator else "no number under SN")


def _coded(field: _Field) -> Value:
    codes = [code_of(split_components(each, field.notation)) for each in field.repetitions]
    return field.value("code", text="\n".join(code.name for code in codes), code=codes[0])


def _time(field: _Field) -> Value:
    parts = field.components()
    time = read_time(parts[0], field.zone, parts[1] if len(parts) > 1 else "")
    if time:
        return field.value("time", text=time.text, time=time)
    return field.value("text", text=field.whole(), note=f"no time under {field.type}")


def _clock(field: _Field) -> Value:
    clock = read_clock(field.components()[0])
    return field.value("clock", text=clock) if clock else field.value("text", text=field.whole(), note="no time under TM")


def _document(field: _Field) -> Value:
    document = document_of(field.components())
    return field.value("document", text=document.media_type, document=document)


def _pointer(field: _Field) -> Value:
    pointer = field.components()[0]
    return field.value("pointer", text=pointer, pointer=pointer)


def _array(field: _Field) -> Value:
    rows = tuple(tuple(figure(part.strip()) for part in split_components(each, field.notation)) for each in field.repetitions)
    return field.value("array", text=field.whole(), array=rows)


def _identifier(field: _Field) -> Value:
    identifier = identifier_of(field.components(), field.notation.delimiters.subcomponent)
    return field.value("identifier", text=identifier.id, identifier=identifier)


_READERS: Final[dict[str, Callable[[_Field], Value]]] = {
    "NM": _number,
    "SN": _structured,
    "ST": _string,
    **dict.fromkeys(("CE", "CWE", "CNE", "CF"), _coded),
    **dict.fromkeys(("TX", "FT", "IS", "ID"), _text),
    **dict.fromkeys(("TS", "DT", "DTM"), _time),
    "TM": _clock,
    "ED": _document,
    "RP": _pointer,
    **dict.fromkeys(("NA", "MA"), _array),
    **dict.fromkeys(("CX", "CK"), _identifier),
}
"""One reader for each data type of HL7 table 0125 that results are sent in."""
