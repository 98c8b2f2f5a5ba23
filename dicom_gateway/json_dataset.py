"""The metadata of an object as DICOM JSON (PS3.18 annex F), written straight from the encoded data set.

The instances of a series repeat most of their elements byte for byte: an element that was described once is not described
again. 600 CT slices take a tenth of the time that building data sets takes (`bench/dicomweb.py`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from dicom_gateway.blank_vr import is_blank
from dicom_gateway.character_set import codecs_of, decode
from dicom_gateway.errors import TooLargeToDescribe, UnreadableDICOM
from dicom_gateway.index.correcting import Correction
from dicom_gateway.json_budget import Budget
from dicom_gateway.json_corrections import apply_corrections
from dicom_gateway.json_values import BINARY, INLINE, NUMBERS, dictionary_vr, value_text
from dicom_gateway.scanner import ITEM, ITEM_END, MAX_DEPTH, PIXEL_DATA, SEQUENCE_END, UNDEFINED, read_meta
from dicom_gateway.transfer_syntax import TransferSyntax, transfer_syntax

MEMO_VALUE = 4096  # bytes of an element that is remembered
MEMO_SIZE = 50_000  # elements remembered, some 20 MB
# VRs with 16-bit lengths (PS3.5 table 7.1-2), as encoded.
_SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_NAMES = {vr: vr.decode() for vr in _SHORT | _LONG}
_SPECIFIC_CHARACTER_SET, _PIXEL_REPRESENTATION = 0x00080005, 0x00280103
_UTF8 = '"00080005":{"vr":"CS","Value":["ISO_IR 192"]}'
ENCAPSULATED = frozenset({"OB", "OW"})  # VRs of a value that may be of undefined length without being a sequence
TRAILING_PADDING = 0xFFFCFFFC  # means nothing (PS3.10 7.2)
BULK = '"BulkDataURI":"bulkdata/'  # cannot occur inside a JSON string, where the quotation marks would be escaped


@dataclass(frozen=True, slots=True)
class Head:
    """An object up to just inside its pixel data, as `Objects.head` gives it, whether pixels follow, and the elements behind these."""

    content: bytes
    has_pixels: bool
    corrections: tuple[Correction, ...] = ()
    tail: bytes = b""


@dataclass(slots=True)
class EncodedText:
    """The encoding of the data set that is being read."""

    data: bytes
    implicit: bool
    order: str
    codecs: tuple[str, ...]
    signed: bool
    memo: dict[Any, str]
    budget: Budget = field(default_factory=Budget)
    signs: bool = False
    """Items may have a Pixel Representation of their own, which says what `US or SS` is in them (PS3.3 C.7.6.1.1.6)."""


class Element(NamedTuple):
    """One element: `vr` empty where the encoding does not say; `value` is the position of the value."""

    tag: int
    vr: str
    length: int
    value: int


class Describer:
    """Describes objects; remembers elements from one to the next."""

    def __init__(self) -> None:
        self._memos: dict[tuple[bool, str, tuple[str, ...], bool], dict[Any, str]] = {}
        self._remembered = 0

    def describe(self, head: Head) -> bytes:
        """The JSON object of `head`; bulk data addresses are relative to the instance. Never fails for an object that
        could be scanned: what follows a fault inside it is left out. Raises `TooLargeToDescribe`."""
        text, start, syntax = open_head(head.content)
        self._prepare(text, start)
        fragments = _data_set(text, start, len(head.content), "", 0)[0]
        if head.tail:
            fragments |= _data_set(replace(text, data=head.tail), 0, len(head.tail), "", 0)[0]
            fragments.pop(TRAILING_PADDING, None)
        fragments[_SPECIFIC_CHARACTER_SET] = _UTF8
        fragments[0x00083002] = f'"00083002":{{"vr":"UI","Value":["{syntax.uid}"]}}'
        if head.has_pixels:
            tag, vr = _pixels(head.content, text.order)
            fragments[tag] = f'"{tag:08X}":{{"vr":"{vr}",{BULK}{tag:08X}"}}'
        if head.corrections:
            apply_corrections(fragments, head.corrections)
        joined = ",".join(map(fragments.pop, sorted(fragments)))  # which are many: none is kept beside what is made of them
        return b"".join([b"{", joined.encode(), b"}"])

    def _prepare(self, text: EncodedText, start: int) -> None:
        """Character set and sign, which stand at their own places and rule others; the memory of texts like this."""
        text.codecs = codecs_of(_raw(text, start, _SPECIFIC_CHARACTER_SET) or b"")
        text.signed = _is_signed(_raw(text, start, _PIXEL_REPRESENTATION) or b"\0")
        text.signs = sum(text.data.count(struct.pack(order + "HH", 0x0028, 0x0103)) for order in {"<", text.order}) > 1
        if sum(map(len, self._memos.values())) > MEMO_SIZE:
            self._memos.clear()
        text.memo = self._memos.setdefault((text.implicit, text.order, text.codecs, text.signed), {})


def _is_signed(pixel_representation: bytes) -> bool:
    return pixel_representation[:2].strip(b"\0") == b"\1"


def open_head(head: bytes) -> tuple[EncodedText, int, TransferSyntax]:
    """Return the encoding of the data set after the file meta information, and its offset."""
    meta, start = read_meta(memoryview(head))
    syntax = transfer_syntax(meta.get(0x00020010, b"").rstrip(b"\0 ").decode("latin_1"))
    return EncodedText(head, syntax.implicit_vr, ">" if syntax.big_endian else "<", ("ascii",), False, {}), start, syntax


def addressed(described: bytes, prefix: str) -> bytes:
    """`described` with bulk data addresses that begin with `prefix`, for a document that lies above the instance."""
    return described.replace(BULK.encode(), f'"BulkDataURI":"{prefix}bulkdata/'.encode()) if prefix else described


def describe_series(heads: list[tuple[Head, str]]) -> bytes:
    """A JSON array of objects, each with the prefix of its bulk data addresses. Runs in a process of its own."""
    describer = Describer()
    found = [addressed(describer.describe(head), prefix) for head, prefix in heads]
    return b"".join([b"[", b",".join(found), b"]"])


def _pixels(content: bytes, order: str) -> tuple[int, str]:
    """Tag and VR of the pixel data element that closes `content` (12 bytes of it are there)."""
    group, element, vr = struct.unpack_from(order + "HH2s", content, len(content) - 12)
    tag = group << 16 | element
    if tag not in PIXEL_DATA:
        tag = 0x7FE00010
    return tag, {0x7FE00008: "OF", 0x7FE00009: "OD"}.get(tag, "OB" if vr == b"OB" else "OW")


def read_element(data: bytes, position: int, implicit: bool, order: str) -> Element:
    """The element at `position`. Raises `struct.error` at the end of `data`."""
    if not implicit:
        group, element, vr, length = struct.unpack_from(order + "HH2sH", data, position)
        if vr in _SHORT:
            return Element(group << 16 | element, _NAMES[vr], length, position + 8)
        if group != 0xFFFE and vr.isalpha():
            length = struct.unpack_from(order + "I", data, position + 8)[0]
            return Element(group << 16 | element, _NAMES.get(vr, "UN"), length, position + 12)
        if is_blank(data, position, order):
            return Element(group << 16 | element, "", struct.unpack_from(order + "H", data, position + 6)[0], position + 8)
        # Delimiters have no VR; some writers also slip implicit elements into an explicit data set.
    group, element, length = struct.unpack_from(order + "HHI", data, position)
    return Element(group << 16 | element, "", length, position + 8)


def behind(text: EncodedText, element: Element) -> int:
    """Return the offset of the next element."""
    if element.length != UNDEFINED:
        return element.value + element.length
    return pass_items(replace(text, implicit=True, order="<") if element.vr == "UN" else text, element.value, UNDEFINED, None, 1)


def _raw(text: EncodedText, position: int, wanted: int) -> bytes | None:
    """The value of a top-level element; sequences of undefined length in front of it are passed."""
    try:
        while position + 8 <= len(text.data):
            element = read_element(text.data, position, text.implicit, text.order)
            if element.tag >= wanted:
                return text.data[element.value : element.value + element.length] if element.tag == wanted else None
            position = behind(text, element)
    except (struct.error, UnreadableDICOM):
        pass
    return None


def _data_set(text: EncodedText, position: int, end: int, path: str, depth: int) -> tuple[dict[int, str], int]:
    """Fragments by tag from `position` to `end` or the delimiter, and where reading stopped."""
    fragments: dict[int, str] = {}
    creators: dict[int, str] = {}
    data, memo, budget = text.data, text.memo, text.budget
    peek = struct.Struct(text.order + ("HHI" if text.implicit else "HH2xH")).unpack_from
    try:
        while position + 8 <= end:
            budget.member()
            # Nine of ten elements are in the memory; a head with a 32-bit length in explicit VR never is under this reading.
            group, number, length = peek(data, position)
            if length <= MEMO_VALUE and not (group & 1 and number <= 0xFF):
                after = position + 8 + length
                if (known := memo.get(data[position:after])) is not None:
                    fragments[group << 16 | number] = budget.write(known)
                    position = after
                    continue
            element = read_element(data, position, text.implicit, text.order)
            if element.tag == ITEM_END:
                return fragments, element.value
            if element.tag in PIXEL_DATA and not path:
                break
            fragment, after = _remembered(text, element, position, path, depth, creators)
            if fragment:
                fragments[element.tag] = fragment
            position = after
    except (struct.error, UnreadableDICOM):
        pass  # what was read up to here is right
    return fragments, position


def _remembered(text: EncodedText, element: Element, position: int, path: str, depth: int, creators: dict[int, str]) -> tuple[str, int]:
    """The fragment of one element, described or remembered, and where the next begins."""
    tag, after = element.tag, element.value + element.length
    if tag & 0xFFFF == 0:
        return "", after  # group lengths are of no use to anybody (PS3.5 7.2)
    creator = None
    if tag & 0x10000:
        if 0x10 <= tag & 0xFFFF <= 0xFF:
            name = decode(text.data[element.value : after], text.codecs).strip() if element.length <= 64 else ""
            creators[tag & 0xFFFF00FF] = name
        else:
            creator = creators.get((tag & 0xFFFF0000) | (tag >> 8 & 0xFF))
    # A sequence is remembered only at the top: deeper ones may hold addresses, which depend on their place.
    nested = element.vr in ("SQ", "UN", "")
    if element.length > MEMO_VALUE or (path and nested) or (element.length > INLINE and not path and nested):
        return _fragment(text, element, path, depth, creator)
    key: Any = text.data[position:after]
    if creator is not None and element.vr in ("", "UN"):
        key = (creator, key)  # who made the block says what it means
    if (known := text.memo.get(key)) is not None:
        return text.budget.write(known), after
    known, after = _fragment(text, element, path, depth, creator)
    if BULK not in known and len(text.memo) < MEMO_SIZE:
        text.memo[key] = known
    return known, after


def _fragment(text: EncodedText, element: Element, path: str, depth: int, creator: str | None) -> tuple[str, int]:
    """The text of one element, and where the next begins. The elements of a sequence have counted what they wrote."""
    tag, length, value = element.tag, element.length, element.value
    vr = element.vr
    unknown = vr == "UN"
    if vr in ("", "UN"):
        vr = dictionary_vr(tag, creator)
        if vr == "US or SS":
            vr = "SS" if text.signed else "US"
        if length == UNDEFINED:
            vr = "SQ"
        elif vr == "SQ" and not begins_with_item(text, element):
            vr = "UN"  # old writers keep other things under tags that are sequences today
    name = f'"{tag:08X}":{{"vr":"{vr}"'
    if vr == "SQ":
        return _sequence(text, element, name, path, depth)
    if length == UNDEFINED and vr in ENCAPSULATED:  # of an icon, or in a private element (PS3.5 A.4)
        return text.budget.write(f'{name},{BULK}{path}{tag:08X}"}}'), behind(text, element)
    if length == UNDEFINED:
        raise struct.error("a value of undefined length")
    after = value + length
    if after > len(text.data):
        raise struct.error("the value passes the end")
    if vr in BINARY and length > INLINE:
        return text.budget.write(f'{name},{BULK}{path}{tag:08X}"}}'), after
    order = "<" if unknown else text.order
    if vr not in NUMBERS:
        text.budget.value(text.data, value, length)
    return text.budget.write(f"{name}{value_text(vr, text.data[value:after], text.codecs, order)}}}"), after


def _sequence(text: EncodedText, element: Element, name: str, path: str, depth: int) -> tuple[str, int]:
    """The text of a sequence that begins with `name`, and where the next element begins. A fault in one of known length ends with it."""
    inner = text
    if element.vr == "UN":  # implicit VR little endian, whatever surrounds it (PS3.5 6.2.2)
        inner = replace(text, implicit=True, order="<", memo={})
    items: list[str] = []
    try:
        after = pass_items(inner, element.value, element.length, items, depth + 1, f"{path}{element.tag:08X}/")
    except struct.error:
        if element.length == UNDEFINED:
            raise
        after = element.value + element.length
    text.budget.write(name)
    joined = ",".join(items)
    del items[1:]
    return (f'{name},"Value":[{joined}]}}' if items else name + "}"), after


def begins_with_item(text: EncodedText, element: Element) -> bool:
    """True if the value may be that of a sequence: it is empty, or begins with an item or the end of all items."""
    if not element.length:
        return True
    order = "<" if element.vr == "UN" else text.order
    first = text.data[element.value : element.value + 4]
    return element.length >= 8 and first in (struct.pack(order + "HH", 0xFFFE, 0xE000), struct.pack(order + "HH", 0xFFFE, 0xE0DD))


def pass_items(text: EncodedText, position: int, length: int, described: list[str] | None, depth: int, path: str = "") -> int:
    """Pass the items of a sequence whose value is at `position`, describing them into a list; returns what follows."""
    if depth > MAX_DEPTH:
        raise TooLargeToDescribe(f"the object has sequences that are nested more than {MAX_DEPTH} deep")
    data = text.data
    end = len(data) if length == UNDEFINED else min(position + length, len(data))
    number = 0
    unpack: Callable[..., tuple[int, int, int]] = struct.Struct(text.order + "HHI").unpack_from
    while position + 8 <= end:
        group, element, size = unpack(data, position)
        tag = group << 16 | element
        if tag == SEQUENCE_END:
            return position + 8
        if tag != ITEM:
            raise struct.error("no item")
        number += 1
        text.budget.member()
        position = pass_item(text, position + 8, size, f"{path}{number}/", described, depth)
    return end if length != UNDEFINED else position


def pass_item(text: EncodedText, position: int, size: int, path: str, described: list[str] | None, depth: int) -> int:
    """Pass one item; its own character set rules inside it (PS3.3 C.12.1.1.2), and so does its own sign of pixels."""
    if described is None:
        return position + size if size != UNDEFINED else _behind_item(text, position, depth)
    own = text
    if text.data[position : position + 4] == struct.pack(text.order + "HH", 0x0008, 0x0005):
        codecs = codecs_of(_raw(text, position, _SPECIFIC_CHARACTER_SET) or b"")
        if codecs != text.codecs:
            own = replace(text, codecs=codecs, memo={})
    if text.signs and described is not None:
        sign = _raw(own, position, _PIXEL_REPRESENTATION)
        if sign is not None and _is_signed(sign) != text.signed:
            own = replace(own, signed=not text.signed, memo={})
    end = len(text.data) if size == UNDEFINED else min(position + size, len(text.data))
    fragments, after = _data_set(own, position, end, path, depth)
    fragments.pop(_SPECIFIC_CHARACTER_SET, None)
    described.append(f"{{{','.join(map(fragments.pop, sorted(fragments)))}}}" if fragments else "{}")
    return after if size == UNDEFINED else end


def _behind_item(text: EncodedText, position: int, depth: int) -> int:
    """Where an item of undefined length ends. Raises `struct.error` at the end of the data."""
    while True:
        element = read_element(text.data, position, text.implicit, text.order)
        if element.tag == ITEM_END:
            return element.value
        if element.length == UNDEFINED:
            inner = replace(text, implicit=True, order="<") if element.vr == "UN" else text
            position = pass_items(inner, element.value, UNDEFINED, None, depth + 1)
        else:
            position = element.value + element.length
