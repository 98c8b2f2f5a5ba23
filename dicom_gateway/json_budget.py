"""How much of an object its metadata may be: whoever describes it holds every part of the text in memory at once.

What an object may hold at all is refused when it comes in, but items of defined length are passed over there: what is in
them is counted where they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dicom_gateway.errors import TooLargeToDescribe
from dicom_gateway.scanner import MAX_MEMBERS

MAX_TEXT: Final = 32 << 20
"""Characters of the metadata of one object; one that is not ASCII counts four times, as it stands in memory (practice)."""
MAX_VALUES: Final = 1_000_000
"""Values of one element that are no bulk data: a look-up table has 65,536 (PS3.3 C.11.1.1.1), a contour some thousands (practice)."""
MAX_PARSED: Final = 250_000
"""Elements of metadata that are taken apart at once, for XML or a search: each takes half a kilobyte then (measured)."""
_ESCAPED: Final = 6
_PLAIN: Final = bytes(range(32, 256))


@dataclass(slots=True)
class Budget:
    """What is left of the metadata of one object."""

    members: int = MAX_MEMBERS
    text: int = MAX_TEXT

    def member(self) -> None:
        """Count an item, or an element. Raises `TooLargeToDescribe`."""
        self.members -= 1
        if self.members < 0:
            raise TooLargeToDescribe(f"the object has more than {MAX_MEMBERS:,} items and elements")

    def write(self, text: str) -> str:
        """Count the text of an element and return it. Raises `TooLargeToDescribe`."""
        self.text -= len(text) if text.isascii() else 4 * len(text)
        if self.text < 0:
            raise TooLargeToDescribe(f"the values of the object have more than {MAX_TEXT:,} characters")
        return text

    def value(self, data: bytes, start: int, length: int) -> None:
        """Look at the value of `length` bytes before it is read. Raises `TooLargeToDescribe`.

        A control character takes six characters in JSON (RFC 8259 section 7).
        """
        if length <= self.text // _ESCAPED:
            return
        if length > self.text or length + (_ESCAPED - 1) * len(data[start : start + length].translate(None, _PLAIN)) > self.text:
            raise TooLargeToDescribe(f"the values of the object have more than {MAX_TEXT:,} characters")


def check_parsed(described: bytes) -> None:
    """Raises `TooLargeToDescribe` where DICOM JSON holds more elements than are taken apart at once."""
    if described.count(b'"vr":') > MAX_PARSED:
        raise TooLargeToDescribe(f"the objects have more than {MAX_PARSED:,} elements, too many for this form")
