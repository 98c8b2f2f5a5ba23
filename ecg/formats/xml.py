"""XML from outside: no entities, bounded in bytes, elements and depth, namespaces dropped."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ecg.limits import MAX_TEXT, MAX_XML_BYTES, MAX_XML_DEPTH, MAX_XML_ELEMENTS
from ecg.recording import UnreadableECG

_HEAD = 8192
_BOMS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class _BoundedBuilder(TreeBuilder):
    """Builds elements without namespaces and gives up on a tree that is too large or too deep."""

    def __init__(self) -> None:
        super().__init__()
        self._elements = self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._elements, self._depth = self._elements + 1, self._depth + 1
        if self._elements > MAX_XML_ELEMENTS:
            raise OverflowError(f"more than {MAX_XML_ELEMENTS} elements")
        if self._depth > MAX_XML_DEPTH:
            raise OverflowError(f"elements nested more than {MAX_XML_DEPTH} deep")
        return super().start(_bare(tag), {_bare(name): value for name, value in attrs.items()})

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(_bare(tag))


def _bare(name: str) -> str:
    return name.rpartition("}")[2]


def has_root(content: bytes, name: str) -> bool:
    """True if the first bytes hold the opening tag of this root element, in UTF-8 or UTF-16."""
    head = content[:_HEAD]
    encoding = next((encoding for bom, encoding in _BOMS if head.startswith(bom)), "utf-8")
    text = head.decode(encoding, "ignore").lstrip("\ufeff \r\n\t")
    return text.startswith("<") and any(f"<{name}{after}" in text for after in "> \r\n\t/")


def parse(name: str, content: bytes) -> Element:
    """The document's root. Raises UnreadableECG for what is not well-formed, declares entities, or is too large."""
    if len(content) > MAX_XML_BYTES:
        raise UnreadableECG(name, 0, f"{len(content)} bytes of XML; {MAX_XML_BYTES} can be read")
    parser = DefusedXMLParser(target=_BoundedBuilder(), forbid_entities=True, forbid_external=True)
    try:
        parser.feed(content)
        root = parser.close()
    except ParseError as error:
        raise UnreadableECG(name, _offset(parser), f"not well-formed XML: {error}") from error
    except DefusedXmlException as error:
        raise UnreadableECG(name, _offset(parser), f"entities are not accepted: {error}") from error
    except (OverflowError, ValueError, LookupError) as error:
        raise UnreadableECG(name, _offset(parser), f"XML that cannot be read: {error}") from error
    if not isinstance(root, Element):
        raise UnreadableECG(name, 0, "an XML document without elements")
    return root


def _offset(parser: DefusedXMLParser) -> int:
    return max(int(getattr(getattr(parser, "parser", None), "CurrentByteIndex", 0)), 0)


def text(parent: Element | None, path: str = ".") -> str:
    """Text of the element at `path`, stripped and cut to the limit; empty where there is none."""
    found = parent.find(path) if parent is not None else None
    return (found.text or "").strip()[:MAX_TEXT] if found is not None else ""


def attribute(parent: Element | None, path: str, name: str) -> str:
    """Attribute of the element at `path`, stripped and cut to the limit; empty where there is none."""
    found = parent.find(path) if parent is not None else None
    return found.get(name, "").strip()[:MAX_TEXT] if found is not None else ""


def number(name: str, value: str, what: str) -> float:
    """A finite number from its text, or UnreadableECG naming `what` it should have been."""
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise UnreadableECG(name, 0, f"{what} is {value[:40]!r}, not a number")
    return found


def optional_number(value: str) -> float | None:
    """A finite number from its text, or None."""
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
