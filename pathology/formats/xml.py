"""A scanner's XML, read within bounds and without entities."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from pathology.errors import Refusal, UnreadableSlide
from pathology.limits import MAX_TEXT_BYTES, MAX_XML_DEPTH, MAX_XML_ELEMENTS

_START, _END = "start", "end"
_EVENTS: Final = (_START, _END)


def parse(text: str, format_: str, offset: int) -> Element:
    """Return the root element. Raises UnreadableSlide for what is no XML, has entities, or is beyond the limits."""
    raw = text.encode()
    if len(raw) > MAX_TEXT_BYTES:
        raise UnreadableSlide(Refusal.TOO_LARGE, format_, offset, f"XML of {len(raw)} bytes, at most {MAX_TEXT_BYTES} are read")
    _check_shape(raw, format_, offset)
    try:
        root: Element = fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise UnreadableSlide(Refusal.DAMAGED, format_, offset, f"its XML cannot be read ({type(error).__name__})") from None
    return root


def _check_shape(raw: bytes, format_: str, offset: int) -> None:
    """Refuse by counting tags, before a tree is built of them."""
    if raw.count(b"<") > 2 * MAX_XML_ELEMENTS:
        raise UnreadableSlide(Refusal.TOO_LARGE, format_, offset, f"XML of more than {MAX_XML_ELEMENTS} elements")
    depth = deepest = 0
    for piece in raw.split(b"<")[1:]:
        if piece[:1] == b"/":
            depth -= 1
        elif piece[:1] not in b"!?" and not piece.split(b">", 1)[0].endswith(b"/"):
            depth += 1
            deepest = max(deepest, depth)
    if deepest > MAX_XML_DEPTH:
        raise UnreadableSlide(Refusal.TOO_LARGE, format_, offset, f"XML nested {deepest} deep, at most {MAX_XML_DEPTH} is read")


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element, name: str) -> list[Element]:
    """Direct children of this name, whatever their namespace."""
    return [child for child in element if local(child) == name]


def descendants(element: Element, name: str) -> list[Element]:
    """All elements of this name below, in document order."""
    return [found for found in element.iter() if local(found) == name]


def number(text: str | None) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


def whole(text: str | None, default: int) -> int:
    """A whole number of at most nine digits, or the default."""
    return int(text) if text and text.strip().isascii() and text.strip().isdigit() and len(text.strip()) <= 9 else default
