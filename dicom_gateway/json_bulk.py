"""Values that metadata only point to (PS3.18 F.2.6), found again by their path."""

from __future__ import annotations

import struct
from dataclasses import replace

from dicom_gateway.errors import TooLargeToDescribe, UnreadableDICOM
from dicom_gateway.json_dataset import ENCAPSULATED, Element, EncodedText, begins_with_item, behind, open_head, pass_item, read_element
from dicom_gateway.json_values import BINARY, dictionary_vr, little_endian
from dicom_gateway.scanner import ITEM, ITEM_END, PIXEL_DATA, SEQUENCE_END, UNDEFINED


def bulk_value(head: bytes, path: str, tail: bytes = b"") -> bytes | None:
    """The binary value at `path`, tags and item numbers in turn (`54000100/1/54001010`), little endian; None where there
    is none. `head` is an object up to its pixels, `tail` what follows these; runs in a process of its own."""
    text, start, _ = open_head(head)
    steps = path.split("/")
    if int(steps[0], 16) > max(PIXEL_DATA):
        text, start = replace(text, data=tail), 0
    end = len(text.data)
    try:
        for tag, number in zip(steps[:-1:2], steps[1::2], strict=False):
            sequence = _element(text, start, end, int(tag, 16))
            item = _item(text, sequence, int(number)) if sequence else None
            if item is None:
                return None
            text, start, end = item
        element = _element(text, start, end, int(steps[-1], 16))
        if element is not None and element.length == UNDEFINED and element.vr in ENCAPSULATED:
            return _joined(text, element)
    except (struct.error, UnreadableDICOM, TooLargeToDescribe):
        return None
    if element is None or element.length == UNDEFINED:
        return None
    vr = element.vr if element.vr not in ("", "UN") else dictionary_vr(element.tag, None)
    if vr == "SQ" and not begins_with_item(text, element):
        vr = "UN"
    if vr not in BINARY:
        return None
    order = "<" if element.vr == "UN" else text.order
    return little_endian(vr, text.data[element.value : element.value + element.length], order)


def _element(text: EncodedText, position: int, end: int, wanted: int) -> Element | None:
    while position + 8 <= end:
        element = read_element(text.data, position, text.implicit, text.order)
        if element.tag in (wanted, ITEM_END):
            return element if element.tag == wanted else None
        position = behind(text, element)
    return None


def _item(text: EncodedText, sequence: Element, wanted: int) -> tuple[EncodedText, int, int] | None:
    """Item number `wanted`: how it is encoded, where its content begins, and where it ends at the latest."""
    if sequence.vr == "UN":  # implicit VR little endian, whatever surrounds it (PS3.5 6.2.2)
        text = replace(text, implicit=True, order="<")
    position, number = sequence.value, 0
    end = len(text.data) if sequence.length == UNDEFINED else sequence.value + sequence.length
    while position + 8 <= end:
        group, element, size = struct.unpack_from(text.order + "HHI", text.data, position)
        tag = group << 16 | element
        if tag == SEQUENCE_END or tag != ITEM:
            return None
        number += 1
        if number == wanted:
            return text, position + 8, end if size == UNDEFINED else position + 8 + size
        position = pass_item(text, position + 8, size, "", None, 1)
    return None


def _joined(text: EncodedText, element: Element) -> bytes:
    """The fragments of an encapsulated value behind its offset table (PS3.5 A.4), one behind the other."""
    end = behind(text, element)
    items: list[bytes] = []
    position = element.value
    while position + 8 <= end and (head := struct.unpack_from(text.order + "HHI", text.data, position))[1] != SEQUENCE_END & 0xFFFF:
        items.append(text.data[position + 8 : position + 8 + head[2]])
        position += 8 + head[2]
    return b"".join(items[1:])
