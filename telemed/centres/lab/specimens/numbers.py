"""Numbers on labels: of tubes and boxes, with a check digit, and what a barcode is by its looks."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Final


class Barcode(StrEnum):
    """What a scanned text may be."""

    SPECIMEN = "specimen"
    BOX = "box"
    COURIER = "courier"
    CONDITION = "condition"
    UNKNOWN = "unknown"


LETTERS: Final = {Barcode.SPECIMEN: "S", Barcode.BOX: "B"}
_CARD: Final = re.compile(r"K-(.{1,60})", re.ASCII)
_CONDITION: Final = re.compile(r"C-(GOOD|DAMAGED|LEAKED|MISSING|REJECTED(?:-[A-Z]{2})?)")
SEQUENCE_DIGITS: Final = 4
"""Ten thousand numbers a day and kind have equal length; later ones are longer, and the check digit stays the last."""


def check_digit(digits: str) -> str:
    """Return the check digit of a row of digits (ISO/IEC 7812-1 annex B, the Luhn formula)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def number_of(kind: Barcode, day: date, sequence: int) -> str:
    """Return the number of a tube or a box: letter, day, sequence, check digit."""
    digits = f"{day:%y%m%d}{sequence:0{SEQUENCE_DIGITS}d}"
    return LETTERS[kind] + digits + check_digit(digits)


def is_sound(number: str) -> bool:
    """True if the check digit fits: a number that was typed by hand may be mistyped."""
    digits = number[1:]
    return digits.isdecimal() and digits.isascii() and len(digits) > 1 and check_digit(digits[:-1]) == digits[-1]


def what_is(text: str) -> tuple[Barcode, str]:
    """Return what a scanned text is, and what it says: a number, a courier, a condition with its reason."""
    code = text.strip().upper()
    if re.fullmatch(r"[SB]\d{11,15}", code, re.ASCII) and is_sound(code):
        return (Barcode.SPECIMEN if code[0] == "S" else Barcode.BOX), code
    if found := _CARD.fullmatch(text.strip()):
        return Barcode.COURIER, found[1].strip()
    if found := _CONDITION.fullmatch(code):
        return Barcode.CONDITION, found[1]
    return Barcode.UNKNOWN, text.strip()
