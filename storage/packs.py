"""Packs: files of a local store that hold many objects one behind another, so that one sync makes all of them durable.

A pack is the file `objects/<name>.pack`. The object whose record begins at byte 4096 has the key `<name>.pack/00001000`
and is read, listed and deleted like any other. A record is a head, a note of the writer's (`meta`), and the content:

    magic "TPK1" | state | 3 zero bytes | length of meta u32 | length of content u64 | SHA-256 of content | CRC-32 u32

little endian; the CRC-32 is that of the two lengths, the digest and the meta, so that a state can change in place. Records
begin at multiples of 4096 bytes, with zeros between them: so they can be written past the page cache.
The first bytes that are no head end the pack: a writer fills it from the front and syncs what it has written before it
goes on, so nothing that was promised lies behind them. Deleting gives the blocks of the content back to the file system.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SUFFIX = ".pack"
ALIGNMENT = 4096  # bytes; a page, and no smaller than any disk's block
MAX_META = 64 * 1024  # bytes

_HEAD = struct.Struct("<4sB3xIQ32sI")
HEAD = _HEAD.size
_SEALED = struct.Struct("<IQ32s")  # what the CRC-32 covers, with the meta behind it
_MAGIC = b"TPK1"
_LIVE, _DELETED = 1, 2
_STATE_AT = 4
_KEY = re.compile(rf"(.+{re.escape(SUFFIX)})/([0-9a-f]{{8,16}})")
_AHEAD = 4096  # bytes read in the hope that they hold head and meta
_PUNCH_HOLE, _KEEP_SIZE = 0x02, 0x01  # linux/falloc.h
_ZEROS = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class PackedObject:
    """One record: where it begins, its meta, where its content lies, and whether it was deleted."""

    offset: int
    meta: bytes
    content_offset: int
    size: int
    sha256: bytes
    deleted: bool

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return aligned(self.content_offset + self.size)

    def holds(self, content: bytes) -> bool:
        """True if `content` is what was to be written; a power cut may leave a head without it."""
        return hashlib.sha256(content).digest() == self.sha256


def aligned(offset: int) -> int:
    """The next place where a record may begin."""
    return -(-offset // ALIGNMENT) * ALIGNMENT


def packed_key(pack: str, offset: int) -> str:
    """The key of the object whose record begins at `offset` of the pack with the key `pack`."""
    return f"{pack}/{offset:08x}"


def split_key(key: str) -> tuple[str, int] | None:
    """Key of the pack and offset of the record, or None where `key` names no object of a pack."""
    found = _KEY.fullmatch(key)
    return (found[1], int(found[2], 16)) if found else None


def is_reserved(key: str) -> bool:
    """True if `key` would lie in a pack, or be one: no object of its own may."""
    return f"{SUFFIX}/" in key or key.endswith(SUFFIX)


def head(meta: bytes, size: int, sha256: bytes) -> bytes:
    """The head of a record. Raises `ValueError` where the meta is too long."""
    if len(meta) > MAX_META:
        raise ValueError(f"the meta of a packed object has at most {MAX_META} bytes, not {len(meta)}")
    seal = zlib.crc32(meta, zlib.crc32(_SEALED.pack(len(meta), size, sha256)))
    return _HEAD.pack(_MAGIC, _LIVE, len(meta), size, sha256, seal)


def deleted_head(size: int) -> bytes:
    """Return the head of a deleted record whose content had `size` bytes."""
    made = bytearray(head(b"", size, bytes(32)))
    made[_STATE_AT] = _DELETED
    return bytes(made)


def read_record(file: int, offset: int) -> PackedObject | None:
    """The record at `offset` of the open file, or None where there is no whole head. Raises OSError."""
    begin = os.pread(file, _AHEAD, offset)
    if len(begin) < _HEAD.size:
        return None
    magic, state, meta_length, size, sha256, seal = _HEAD.unpack_from(begin)
    if magic != _MAGIC or state not in (_LIVE, _DELETED) or meta_length > MAX_META:
        return None
    meta = begin[_HEAD.size : _HEAD.size + meta_length]
    if len(meta) < meta_length:
        meta = os.pread(file, meta_length, offset + _HEAD.size)
    if zlib.crc32(meta, zlib.crc32(_SEALED.pack(meta_length, size, sha256))) != seal:
        return None
    return PackedObject(offset, meta, offset + _HEAD.size + meta_length, size, sha256, state == _DELETED)


def is_live(file: int, offset: int) -> bool:
    """True if the record at `offset` is not marked as deleted. Raises OSError."""
    return os.pread(file, 1, offset + _STATE_AT) == bytes([_LIVE])


def records(file: int) -> Iterator[PackedObject]:
    """All records of the open file in their order, deleted ones too. Raises OSError."""
    offset = 0
    while (record := read_record(file, offset)) is not None:
        yield record
        offset = record.end


def erase(file: int, record: PackedObject) -> None:
    """Delete `record` durably and give its blocks back; where the file system cannot, zeros are written. Raises OSError."""
    os.pwrite(file, bytes([_DELETED]), record.offset + _STATE_AT)
    if not _punched(file, record.content_offset, record.size):
        behind = record.content_offset + record.size
        for offset in range(record.content_offset, behind, len(_ZEROS)):
            os.pwrite(file, _ZEROS[: behind - offset], offset)
    os.fdatasync(file)


def _punched(file: int, offset: int, length: int) -> bool:
    """Return True if `fallocate` made a hole."""
    if _fallocate is None or not length:
        return False
    if _fallocate(file, _PUNCH_HOLE | _KEEP_SIZE, offset, length) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EOPNOTSUPP, errno.ENOSYS):
        return False
    raise OSError(code, os.strerror(code))


def _find_fallocate() -> ctypes._NamedFuncPointer | None:
    """The C library's function, which Python offers without its modes; None where there is none (macOS)."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
        function.restype = ctypes.c_int
    return function


_fallocate = _find_fallocate()
