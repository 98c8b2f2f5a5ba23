"""Elements in explicit VR whose VR is blank: some secondary captures carry two blanks, NULs or question marks where it belongs.

Such an element has a length of 16 bits, as most VRs do (PS3.5 7.1.2); an element in implicit VR that slipped into an explicit data
set may have the same bytes there, as the lower half of its length. What follows tells them apart.
"""

from __future__ import annotations

import struct
from typing import Final

from pydicom.datadict import dictionary_VR

BLANK: Final = frozenset(bytes((first, second)) for first in b" \0?-" for second in b" \0?-")
_ITEM_GROUP: Final = 0xFFFE


def is_blank(data: bytes | memoryview, position: int, order: str) -> bool:
    """True if the element at `position` has a blank VR and a length of 16 bits: another one with a higher tag, the end of an item or
    that of the data follows then. `data` need not be whole: what lies behind its end is not judged."""
    group, element, vr, length = struct.unpack_from(order + "HH2sH", data, position)
    if vr not in BLANK or group == _ITEM_GROUP:
        return False
    behind = position + 8 + length
    if behind + 8 > len(data):
        return bool(behind == len(data))
    next_group, next_element, next_vr = struct.unpack_from(order + "HH2s", data, behind)
    if next_group == _ITEM_GROUP:
        return True
    return (next_group, next_element) > (group, element) and (next_vr in BLANK or bool(next_vr.isalpha() and next_vr.isupper()))


def with_vrs(head: bytes, start: int, order: str) -> bytes:
    """`head`, its data set in explicit VR from `start` on, with a VR of 16-bit lengths at every element of the top level that has none,
    for readers that know nothing of blanks."""
    filled: bytearray | None = None
    position = start
    while position + 12 <= len(head):
        group, element, vr, length = struct.unpack_from(order + "HH2sH", head, position)
        if vr.isalpha():
            long = vr not in _SHORT
            size = struct.unpack_from(order + "I", head, position + 8)[0] if long else length
            if size == 0xFFFFFFFF:
                break
            position += size + (12 if long else 8)
            continue
        if not is_blank(head, position, order):
            break
        filled = filled if filled is not None else bytearray(head)
        filled[position + 4 : position + 6] = _vr_of(group << 16 | element)
        position += 8 + length
    return head if filled is None else bytes(filled)


_SHORT: Final = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())


def _vr_of(tag: int) -> bytes:
    try:
        vr = dictionary_VR(tag)[:2].encode()
    except KeyError:
        return b"LO"
    return vr if vr in _SHORT else b"LO"
