"""A tag scanner: the few values that the index needs, and where the pixels lie, without building a data set.

Reads every standard encoding (PS3.5 section 7 and annex A): implicit and explicit VR, little and big endian, deflated,
defined and undefined lengths, nested sequences, private elements, "UN" of undefined length (PS3.5 6.2.2).
Whatever the bytes are, the only exception is `UnreadableDICOM`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from dicom_gateway.blank_vr import is_blank
from dicom_gateway.errors import UnreadableDICOM
from dicom_gateway.inflation import MAX_WHOLE, inflated_pieces
from dicom_gateway.transfer_syntax import TransferSyntax, transfer_syntax

MAX_DEPTH = 32  # nested sequences; real objects (SR, RT) stay below 16
MAX_MEMBERS = 1_000_000  # items and elements that are looked at: those of defined length are passed over (practice)
MAX_KEPT_VALUE = 8 * 1024  # bytes of a value that is kept; longer ones are no text that an index holds
MAX_DEFLATED_HEADER = 32 << 20  # bytes in front of the pixels of a deflated data set, which stand in memory while it is scanned

FRONT = 16 << 10  # bytes of a file that are copied, as slices of them are cheaper than those of a view; most headers end there
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})  # float, double float, integer
REQUEST_ATTRIBUTES = 0x00400275
_EXTENDED_OFFSETS = 0x7FE00001

WANTED = frozenset({
    0x00080005, 0x00080016, 0x00080018, 0x00080020, 0x00080030, 0x00080050, 0x00080060, 0x00080090, 0x00081030,
    0x0008103E, 0x00100010, 0x00100020, 0x00100021, 0x00100030, 0x00100040, 0x00180015, 0x0020000D, 0x0020000E,
    0x00200010, 0x00200011, 0x00200013, 0x00200060, 0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011,
    0x00280100, 0x00400009, 0x00400244, 0x00400245, 0x00401001, _EXTENDED_OFFSETS,
})  # fmt: skip

# VRs whose explicit length is 16 bits (PS3.5 table 7.1-2); every other VR, future ones too, has 32 (PS3.5 6.2).
_SHORT = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split()
)  # fmt: skip

Buffer = bytes | bytearray | memoryview


@dataclass(slots=True)
class PixelData:
    """The pixel data element: `offset` of its value; `length` None when encapsulated."""

    tag: int
    element_offset: int
    offset: int
    length: int | None


@dataclass(slots=True)
class Scan:
    """The result of a scan. `elements` are raw values by tag (group << 16 | element) in the byte order of the syntax.

    Offsets refer to `data`: the object as sent or, for a deflated syntax, the file meta information followed by the
    inflated data set, of which only what stands in front of native pixels is kept.
    """

    syntax: TransferSyntax
    data: memoryview
    data_set_offset: int
    meta: dict[int, bytes]
    elements: dict[int, bytes] = field(default_factory=dict)
    request_attributes: dict[int, bytes] = field(default_factory=dict)
    pixel_data: PixelData | None = None


class TakesLong(Exception):
    """Not to be read where others wait meanwhile."""


def scan(part10: Buffer, *, within: int | None = None) -> Scan:
    """Scan a DICOM file (PS3.10). Raises `UnreadableDICOM`, and `TakesLong` where more than the first `within` bytes, or what
    comes out of a deflated data set, would have to be looked at."""
    data = memoryview(part10)
    meta, start = read_meta(data)
    uid = meta.get(0x00020010, b"").rstrip(b"\0 ").decode("latin_1")
    if not uid:
        raise UnreadableDICOM(132, "the file meta information names no transfer syntax")
    syntax = transfer_syntax(uid)
    if not syntax.deflated:
        return _read(Scan(syntax, data, start, meta), len(data), within)
    if within is not None:
        raise TakesLong
    return _scan_deflated(data, start, meta, syntax)


def is_deflated(part10: Buffer) -> bool:
    """True if the data set is deflated; False also for what is no DICOM file."""
    try:
        meta, _ = read_meta(memoryview(part10))
    except UnreadableDICOM:
        return False
    return transfer_syntax(meta.get(0x00020010, b"").rstrip(b"\0 ").decode("latin_1")).deflated


def check_deflated(part10: Buffer) -> None:
    """Raises `UnreadableDICOM` where a deflated data set is larger than is read whole, before anybody inflates it without a limit."""
    data = memoryview(part10)
    if is_deflated(data):
        start = read_meta(data)[1]
        for _ in inflated_pieces(data[start:], start, MAX_WHOLE):
            pass


def _read(found: Scan, end: int, within: int | None = None) -> Scan:
    """`found` filled from its data, of which `end` bytes would be there if all were kept."""
    reader = _Reader(found.data, found.syntax.implicit_vr, found.syntax.big_endian, len(found.data) if within is None else within)
    try:
        reader.read_data_set(found, end)
    except struct.error:
        raise UnreadableDICOM(reader.position, "cut off inside an element") from None
    return found


def _scan_deflated(data: memoryview, start: int, meta: dict[int, bytes], syntax: TransferSyntax) -> Scan:
    """Scan while it is inflated: kept until the pixels are found, from there on only counted to the end."""
    kept, size, next_try = bytearray(data[:start]), start, FRONT
    found: Scan | None = None
    for piece in inflated_pieces(data[start:], start):
        size += len(piece)
        if found is not None:
            continue
        kept += piece
        if len(kept) >= next_try:
            found, next_try = _up_to_pixels(Scan(syntax, memoryview(bytes(kept)), start, meta)), 2 * len(kept)
        if found is None and len(kept) > MAX_DEFLATED_HEADER:
            raise UnreadableDICOM(
                start, f"more than {MAX_DEFLATED_HEADER} deflated bytes in front of the pixels: send it without deflating"
            )
    if found is None:
        return _read(Scan(syntax, memoryview(kept), start, meta), size)
    pixels = found.pixel_data
    if pixels is not None and pixels.length is not None and pixels.offset + pixels.length > size:
        raise UnreadableDICOM(pixels.element_offset, f"cut off: pixel data of {pixels.length} bytes, only {size - pixels.offset} are there")
    return found


def _up_to_pixels(found: Scan) -> Scan | None:
    """The scan of the beginning of a data set, if that reaches to native pixels; None where more of it is needed, or it has a fault."""
    try:
        _read(found, UNDEFINED << 1)
    except UnreadableDICOM:
        return None
    return found if found.pixel_data is not None and found.pixel_data.length is not None else None


def read_meta(data: memoryview) -> tuple[dict[int, bytes], int]:
    """File meta information by tag, and where the data set begins. The group length is not trusted.

    Raises `UnreadableDICOM` where there is no DICOM prefix or the group is cut off.
    """
    if bytes(data[128:132]) != b"DICM":
        raise UnreadableDICOM(0, 'no DICOM file: the prefix "DICM" is not at byte 128')
    meta: dict[int, bytes] = {}
    position = 132
    while position + 8 <= len(data):
        group, element, vr, length = struct.unpack_from("<HH2sH", data, position)
        if group != 2:
            break
        value = position + 8
        if vr not in _SHORT:
            if value + 4 > len(data):
                raise UnreadableDICOM(position, "cut off inside the file meta information")
            length, value = struct.unpack_from("<I", data, value)[0], value + 4
        if value + length > len(data):
            raise UnreadableDICOM(position, f"cut off: ({group:04X},{element:04X}) of {length} bytes passes the end")
        meta[group << 16 | element] = bytes(data[value : value + min(length, MAX_KEPT_VALUE)])
        position = value + length
    return meta, position


class _Reader:
    """One pass over a data set; `position` is where it stands, for error messages."""

    def __init__(self, data: memoryview, implicit: bool, big_endian: bool, within: int) -> None:
        self.data = data
        self.within = within
        self.front = bytes(data[:FRONT])
        self.end = len(data)
        self.position = 0
        self.looked_at = 0
        order = ">" if big_endian else "<"
        self.order = order
        self.explicit_head = struct.Struct(order + "HH2sH").unpack_from
        self.implicit_head = struct.Struct(order + "HHI").unpack_from
        self.long = struct.Struct(order + "I").unpack_from
        self.implicit = implicit

    def read_data_set(self, found: Scan, end: int) -> None:
        """Fill `found` up to the pixel data, or to the end; the pixels may reach to `end`."""
        position = found.data_set_offset
        while position + 8 <= self.end:
            position = self._short_elements(position, found.elements)
            if position + 8 > self.end:
                break
            self._at(position)
            tag, vr, length, value = self.element(position, self.implicit)
            if tag in PIXEL_DATA:
                if length != UNDEFINED and value + length > end:
                    raise UnreadableDICOM(position, f"cut off: pixel data of {length} bytes, only {end - value} are there")
                found.pixel_data = PixelData(tag, position, value, None if length == UNDEFINED else length)
                return
            if length == UNDEFINED or (tag == REQUEST_ATTRIBUTES and self.holds_items(value, length)):
                sink = found.request_attributes if tag == REQUEST_ATTRIBUTES else None
                # "UN" of undefined length is a sequence in implicit VR little endian, whatever surrounds it.
                position = self.skip_items(value, length, 1, self.implicit or vr == b"UN", sink)
                continue
            position = value + length
            if position > self.end:
                raise UnreadableDICOM(self.position, f"cut off: ({tag >> 16:04X},{tag & 0xFFFF:04X}) of {length} bytes passes the end")
            if tag in WANTED:
                keep = length if tag == _EXTENDED_OFFSETS else min(length, MAX_KEPT_VALUE)
                found.elements[tag] = bytes(self.data[value : value + keep])
        if any(self.data[position : self.end]):
            raise UnreadableDICOM(position, "bytes that are no element follow the last element")

    def _short_elements(self, position: int, elements: dict[int, bytes]) -> int:
        """Pass the run of elements at `position` whose VR has a length of 16 bits, nearly all of a header. The position behind.

        The same as `read_data_set` does for them, without its questions: this loop is what indexing an instance takes.
        """
        if self.implicit:
            return position
        front, head, short, wanted = self.front, self.explicit_head, _SHORT, WANTED
        end = len(front)
        while position + 8 <= end:
            group, element, vr, length = head(front, position)
            if vr not in short:
                return position
            value = position + 8
            behind = value + length
            if behind > end:
                return position
            tag = group << 16 | element
            if tag in wanted:
                elements[tag] = front[value:behind]
            position = behind
        return position

    def _at(self, position: int) -> None:
        self.position = position
        self.looked_at += 1
        if self.looked_at > MAX_MEMBERS:
            raise UnreadableDICOM(position, f"the object has more than {MAX_MEMBERS:,} items and elements")
        if position > self.within:
            raise TakesLong

    def element(self, position: int, implicit: bool) -> tuple[int, bytes, int, int]:
        """Tag, VR (empty when implicit), length and position of the value of the element at `position`."""
        if implicit:
            group, element, length = self.implicit_head(self.data, position)
            return group << 16 | element, b"", length, position + 8
        group, element, vr, length = self.explicit_head(self.data, position)
        if vr in _SHORT:
            return group << 16 | element, vr, length, position + 8
        if group == 0xFFFE or not vr.isalpha():
            if is_blank(self.data, position, self.order):
                return group << 16 | element, b"", length, position + 8
            # Delimiters have no VR; some writers also slip implicit elements into an explicit data set.
            return group << 16 | element, b"", self.long(self.data, position + 4)[0], position + 8
        return group << 16 | element, vr, self.long(self.data, position + 8)[0], position + 12

    def holds_items(self, position: int, length: int) -> bool:
        """True if the value of `length` bytes at `position` begins as a sequence does, or is empty."""
        return not length or (length >= 8 and self.implicit_head(self.data, position)[:2] in ((0xFFFE, 0xE000), (0xFFFE, 0xE0DD)))

    def skip_items(self, position: int, length: int, depth: int, implicit: bool, sink: dict[int, bytes] | None) -> int:
        """Pass the items of a sequence whose value is at `position`; the first item is read into `sink`."""
        if depth > MAX_DEPTH:
            raise UnreadableDICOM(position, f"sequences are nested more than {MAX_DEPTH} deep")
        end = self.end if length == UNDEFINED else position + length
        if end > self.end:
            raise UnreadableDICOM(position, f"cut off: a sequence of {length} bytes passes the end")
        while position < end:
            self._at(position)
            group, element, size = self.implicit_head(self.data, position)
            tag = group << 16 | element
            if tag == SEQUENCE_END:
                return position + 8
            if tag != ITEM:
                raise UnreadableDICOM(position, f"a sequence item was expected, ({group:04X},{element:04X}) is there")
            if size == UNDEFINED or sink is not None:
                position = self._item(position + 8, size, depth, implicit, sink)
                sink = None
            else:
                position += 8 + size
        if length == UNDEFINED:
            raise UnreadableDICOM(position, "cut off inside a sequence")
        return end

    def _item(self, position: int, size: int, depth: int, implicit: bool, sink: dict[int, bytes] | None) -> int:
        """Pass one item whose content is at `position`."""
        end = self.end if size == UNDEFINED else position + size
        while position < end:
            self._at(position)
            tag, vr, length, value = self.element(position, implicit)
            if tag == ITEM_END:
                return value
            if length == UNDEFINED:
                position = self.skip_items(value, length, depth + 1, implicit or vr == b"UN", None)
                continue
            position = value + length
            if sink is not None and tag in WANTED:
                sink[tag] = bytes(self.data[value : min(position, value + MAX_KEPT_VALUE)])
        if size == UNDEFINED or position > self.end:
            raise UnreadableDICOM(min(position, self.end), "cut off inside a sequence item")
        return end
