"""DICOM data sets without the beginning of a file (PS3.10 7.1), as old exports and some discs have them."""

from __future__ import annotations

import struct

from dicom_gateway.part10 import preface
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

HEAD = 16 << 10
"""Bytes in which SOP Class UID and SOP Instance UID stand: the tenth element of a data set at the latest, and the first are short."""
_SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_CLASS, _INSTANCE = 0x00080016, 0x00080018


def beginning_for(head: bytes) -> bytes | None:
    """Return what must stand in front of content with this head to make it a DICOM file: nothing for a file, preamble and file meta
    information for a data set in explicit or implicit VR little endian; None where that cannot be told."""
    if head[128:132] == b"DICM":
        return b""
    if head[:2] == b"\x02\x00":  # file meta information, only the preamble is missing
        return bytes(128) + b"DICM"
    explicit = head[4:6] in _SHORT or head[4:6] in _LONG
    named = _uids(head, explicit)
    if _CLASS not in named or _INSTANCE not in named:
        return None
    return preface(named[_CLASS], named[_INSTANCE], EXPLICIT_VR_LITTLE_ENDIAN if explicit else IMPLICIT_VR_LITTLE_ENDIAN)


def _uids(head: bytes, explicit: bool) -> dict[int, str]:
    """The two UIDs, of a data set that holds its elements in order."""
    found: dict[int, str] = {}
    position, before = 0, -1
    while position + 12 <= len(head):
        group, element = struct.unpack_from("<HH", head, position)
        tag = group << 16 | element
        if tag <= before or tag > _INSTANCE:
            break
        value, length = position + 8, struct.unpack_from("<I", head, position + 4)[0]
        if explicit:
            short = head[position + 4 : position + 6] in _SHORT
            length = struct.unpack_from("<H" if short else "<I", head, position + (6 if short else 8))[0]
            value = position + (8 if short else 12)
        if value + length > len(head):
            break
        if tag in (_CLASS, _INSTANCE):
            found[tag] = head[value : value + length].rstrip(b"\0 ").decode("latin_1")
        position, before = value + length, tag
    return {tag: uid for tag, uid in found.items() if uid and len(uid) <= 64 and uid.replace(".", "").isdigit()}
