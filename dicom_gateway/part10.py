"""DICOM files out of what an association delivers (PS3.10 section 7.1). The data set bytes are never touched."""

from __future__ import annotations

import struct

IMPLEMENTATION_CLASS_UID = "2.25.218250393297170963427263937168271583309"
IMPLEMENTATION_VERSION_NAME = "TELEMED_GW_1"
_PREAMBLE = bytes(128) + b"DICM"


def part10(
    data_set: bytes | memoryview,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    source_ae_title: str = "",
) -> bytes:
    """Preamble and file meta information, and behind them `data_set` as it came."""
    elements = b"".join((
        _element(0x0001, b"OB", b"\0\1"),
        _element(0x0002, b"UI", sop_class_uid.encode()),
        _element(0x0003, b"UI", sop_instance_uid.encode()),
        _element(0x0010, b"UI", transfer_syntax_uid.encode()),
        _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode()),
        _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode()),
        _element(0x0016, b"AE", source_ae_title.encode("ascii", "replace")) if source_ae_title else b"",
    ))  # fmt: skip
    return b"".join((_PREAMBLE, _element(0x0000, b"UL", struct.pack("<I", len(elements))), elements, data_set))


def _element(element: int, vr: bytes, value: bytes) -> bytes:
    """One explicit VR little endian element of group 2, padded to even length (PS3.5 7.1.2)."""
    if len(value) % 2:
        value += b" " if vr in (b"AE", b"SH") else b"\0"
    if vr == b"OB":
        return struct.pack("<HH2sHI", 2, element, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value
