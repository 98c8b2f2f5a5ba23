"""DICOM files out of what an association delivers (PS3.10 section 7.1). The data set bytes are never touched.

The file meta information depends on the two UIDs and the transfer syntax alone. So the SHA-256 of such a file stands for its
data set too, and what came through another door is compared by the digest that it would have as such a file.
The digests on record hold these bytes: whoever changes one of them makes every later repeat look like other content.
"""

from __future__ import annotations

import hashlib
import struct
from functools import lru_cache

IMPLEMENTATION_CLASS_UID = "2.25.218250393297170963427263937168271583309"
IMPLEMENTATION_VERSION_NAME = "TELEMED_GW_1"
_PREAMBLE = bytes(128) + b"DICM"


def part10(data_set: bytes | memoryview, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Preamble and file meta information, and behind them `data_set` as it came."""
    return b"".join((preface(sop_class_uid, sop_instance_uid, transfer_syntax_uid), data_set))


def preface(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Preamble, prefix and file meta information, to stand in front of a data set."""
    instance = _element(0x0003, b"UI", sop_instance_uid.encode())
    before, behind = _around_instance(sop_class_uid, transfer_syntax_uid)
    length = struct.pack("<I", len(before) + len(instance) + len(behind))
    return b"".join((_PREAMBLE, _element(0x0000, b"UL", length), before, instance, behind))


def data_set_digest(data_set: bytes | memoryview, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> str:
    """SHA-256 of the file that `part10` would make, as 64 hex digits."""
    digest = hashlib.sha256(preface(sop_class_uid, sop_instance_uid, transfer_syntax_uid))
    digest.update(data_set)
    return digest.hexdigest()


@lru_cache(maxsize=1024)
def _around_instance(sop_class_uid: str, transfer_syntax_uid: str) -> tuple[bytes, bytes]:
    """The elements before and behind the SOP Instance UID."""
    before = _element(0x0001, b"OB", b"\0\1") + _element(0x0002, b"UI", sop_class_uid.encode())
    behind = b"".join((
        _element(0x0010, b"UI", transfer_syntax_uid.encode()),
        _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode()),
        _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode()),
    ))  # fmt: skip
    return before, behind


def _element(element: int, vr: bytes, value: bytes) -> bytes:
    """One explicit VR little endian element of group 2, padded to even length (PS3.5 7.1.2)."""
    if len(value) % 2:
        value += b" " if vr == b"SH" else b"\0"
    if vr == b"OB":
        return struct.pack("<HH2sHI", 2, element, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value
