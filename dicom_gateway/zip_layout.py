"""ZIP archives whose every byte is known beforehand (APPNOTE.TXT 6.3.10), so that a download can go on where it stopped.

Entries are stored as they are: images hardly shrink, and a size that is known is what makes the offsets known.
Only the checksums are not: they are taken when an entry is written or passed.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
_END_64, _LOCATOR_64 = struct.Struct("<4sQ2H2I4Q"), struct.Struct("<4sIQI")
_MAX_32, _MAX_16 = 0xFFFFFFFF, 0xFFFF
_VERSION, _VERSION_64 = 20, 45
_NO_TIME = (0, 1 << 5 | 1)  # 1 January 1980: the archive is the same whenever it is made
_UTF8 = 1 << 11  # general purpose bit 11: names are UTF-8


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its name in the archive and its size in bytes."""

    name: str
    size: int


class ZipLayout:
    """The layout of a ZIP archive: local headers, contents, central directory."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.offsets = []
        position = 0
        for entry in entries:
            self.offsets.append(position)
            position += len(self.local_header(entry, 0)) + entry.size
        self.directory_offset = position
        self.size = position + len(self.directory([0] * len(entries)))

    def local_header(self, entry: Entry, checksum: int) -> bytes:
        """Return the local header that precedes the content."""
        name, large = entry.name.encode(), entry.size >= _MAX_32
        extra = struct.pack("<2H2Q", 1, 16, entry.size, entry.size) if large else b""
        size = _MAX_32 if large else entry.size
        version = _VERSION_64 if large else _VERSION
        head = _LOCAL.pack(b"PK\3\4", version, _UTF8, 0, *_NO_TIME, checksum, size, size, len(name), len(extra))
        return head + name + extra

    def directory(self, checksums: Sequence[int]) -> bytes:
        """Return the central directory and the end records."""
        records = [self._record(*row) for row in zip(self.entries, self.offsets, checksums, strict=True)]
        listing = b"".join(records)
        count, size, offset = len(records), len(listing), self.directory_offset
        end = b""
        if count >= _MAX_16 or size >= _MAX_32 or offset >= _MAX_32:
            end = _END_64.pack(b"PK\6\6", _END_64.size - 12, _VERSION_64, _VERSION_64, 0, 0, count, count, size, offset)
            end += _LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1)
        short = min(count, _MAX_16)
        return listing + end + _END.pack(b"PK\5\6", 0, 0, short, short, min(size, _MAX_32), min(offset, _MAX_32), 0)

    def content_offset(self, number: int) -> int:
        """Return the offset of the first byte of an entry's content."""
        return self.offsets[number] + len(self.local_header(self.entries[number], 0))

    def _record(self, entry: Entry, offset: int, checksum: int) -> bytes:
        name = entry.name.encode()
        beyond = [number for number in (entry.size, entry.size) if entry.size >= _MAX_32] + ([offset] if offset >= _MAX_32 else [])
        extra = struct.pack(f"<2H{len(beyond)}Q", 1, 8 * len(beyond), *beyond) if beyond else b""
        version = _VERSION_64 if beyond else _VERSION
        size = min(entry.size, _MAX_32)
        head = _CENTRAL.pack(
            b"PK\1\2", version, version, _UTF8, 0, *_NO_TIME, checksum, size, size, len(name), len(extra), 0, 0, 0, 0, min(offset, _MAX_32)
        )
        return head + name + extra
