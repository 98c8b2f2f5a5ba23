"""TIFF and BigTIFF directories, read within bounds: nothing is allocated from a declared number (TIFF 6.0; BigTIFF, Aware Systems).

A field's value is looked at only when it is asked for, and only if all of it lies inside the file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from pathology.errors import Refusal, UnreadableSlide
from pathology.limits import MAX_DIRECTORIES, MAX_FIELDS, MAX_FIELDS_IN_ALL, MAX_TEXT_BYTES
from pathology.source import ByteSource
from pathology.tiff import tags

NAME: Final = "TIFF"

SIZES: Final[Mapping[int, int]] = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one value of each field type."""

_INTEGERS: Final[Mapping[int, str]] = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_RATIONAL, _FLOATS = 5, {11: "f4", 12: "f8"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its type, how many values, and the byte in the file where they stand."""

    kind: int
    count: int
    offset: int

    @property
    def length(self) -> int:
        """Bytes of all values."""
        return SIZES.get(self.kind, 1) * self.count


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory (IFD): `offset` and `end` in the file, fields by tag, and the directories under it (SubIFDs)."""

    source: ByteSource
    byte_order: str
    offset: int
    end: int
    fields: Mapping[int, Field]
    sub_directories: tuple[Directory, ...] = ()

    def numbers(self, tag: int, max_count: int) -> npt.NDArray[np.uint64]:
        """Whole numbers of a field, shape (n,); empty where it is absent. Raises UnreadableSlide beyond `max_count` or the file's end."""
        found = self.fields.get(tag)
        if found is None or found.count == 0:
            return np.zeros(0, np.uint64)
        if found.kind not in _INTEGERS:
            raise self.refuse(Refusal.DAMAGED, tag, f"type {found.kind} is no whole number")
        if found.count > max_count:
            raise self.refuse(Refusal.TOO_LARGE, tag, f"{found.count} values, at most {max_count} are read")
        raw = self._raw(tag, found)
        return np.frombuffer(raw, self.byte_order + _INTEGERS[found.kind]).astype(np.uint64)

    def number(self, tag: int, default: int = 0) -> int:
        """The first whole number of a field, or `default` where it is absent."""
        found = self.numbers(tag, 64)
        return int(found[0]) if len(found) else default

    def real(self, tag: int) -> float | None:
        """A rational or floating number, or None where it is absent or has no value."""
        found = self.fields.get(tag)
        if found is None or found.count == 0 or (found.kind != _RATIONAL and found.kind not in _FLOATS):
            return None
        raw = self.source.read_at(found.offset, SIZES[found.kind])
        if found.kind == _RATIONAL:
            above, below = struct.unpack(self.byte_order + "II", raw)
            return above / below if below else None
        return float(np.frombuffer(raw, self.byte_order + _FLOATS[found.kind])[0])

    def raw(self, tag: int, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
        """A field's bytes as they stand; empty where it is absent."""
        found = self.fields.get(tag)
        if found is None:
            return b""
        if found.length > max_bytes:
            raise self.refuse(Refusal.TOO_LARGE, tag, f"{found.length} bytes, at most {max_bytes} are read")
        return self._raw(tag, found)

    def text(self, tag: int) -> str:
        """A field as text, up to its first zero byte; what is not UTF-8 is read as Latin-1."""
        raw = self.raw(tag).split(b"\0", 1)[0]
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    def refuse(self, refusal: Refusal, tag: int, found: str) -> UnreadableSlide:
        """An error that names the field and this directory."""
        return UnreadableSlide(refusal, NAME, self.offset, f"{tags.NAMES.get(tag, f'tag {tag}')}: {found}")

    def _raw(self, tag: int, found: Field) -> bytes:
        if found.offset + found.length > self.source.size:
            where = f"{found.length} bytes at byte {found.offset}, but the file ends at byte {self.source.size}"
            raise self.refuse(Refusal.CUT_OFF, tag, where)
        return self.source.read_at(found.offset, found.length)


@dataclass(slots=True)
class _Walk:
    """What is known while the directories of one file are gone through."""

    source: ByteSource
    byte_order: str
    big: bool
    seen: set[int] = field(default_factory=set)
    fields: int = 0

    def directory(self, offset: int, deep: bool = True) -> tuple[Directory, int]:
        """The directory at `offset` and the offset of the next one (0: there is none)."""
        self._enter(offset)
        count_format, entry_size, word = ("Q", 20, "Q") if self.big else ("H", 12, "I")
        count_size, word_size = struct.calcsize("<" + count_format), struct.calcsize("<" + word)
        count = struct.unpack(self.byte_order + count_format, self._read(offset, count_size))[0]
        if count > MAX_FIELDS:
            raise UnreadableSlide(Refusal.DAMAGED, NAME, offset, f"a directory of {count} fields, at most {MAX_FIELDS} are read")
        self.fields += count
        if self.fields > MAX_FIELDS_IN_ALL:
            raise UnreadableSlide(Refusal.TOO_LARGE, NAME, offset, f"more than {MAX_FIELDS_IN_ALL} fields in all directories")
        body = self._read(offset + count_size, count * entry_size + word_size)
        fields: dict[int, Field] = {}
        for number in range(count):
            at = number * entry_size
            tag, kind, values = struct.unpack_from(self.byte_order + "HH" + word, body, at)
            if kind not in SIZES or tag in fields:
                continue  # TIFF 6.0, section 2: readers skip fields of types they do not know
            where = at + 4 + word_size
            inline = SIZES[kind] * values <= word_size
            place = offset + count_size + where if inline else struct.unpack_from(self.byte_order + word, body, where)[0]
            fields[tag] = Field(kind, values, place)
        end = offset + count_size + len(body)
        found = Directory(self.source, self.byte_order, offset, end, fields)
        following = struct.unpack_from(self.byte_order + word, body, count * entry_size)[0]
        if deep and tags.SUB_IFDS in fields:
            below = tuple(self.directory(int(at), deep=False)[0] for at in found.numbers(tags.SUB_IFDS, MAX_DIRECTORIES))
            found = Directory(self.source, self.byte_order, offset, end, fields, below)
        return found, following

    def _enter(self, offset: int) -> None:
        if offset in self.seen:
            raise UnreadableSlide(Refusal.DAMAGED, NAME, offset, "the directories lead back to one that was read already")
        self.seen.add(offset)
        if len(self.seen) > MAX_DIRECTORIES:
            raise UnreadableSlide(Refusal.TOO_LARGE, NAME, offset, f"more than {MAX_DIRECTORIES} directories")

    def _read(self, offset: int, length: int) -> bytes:
        if offset + length > self.source.size:
            found = f"a directory is expected here, but the file ends at byte {self.source.size}"
            raise UnreadableSlide(Refusal.CUT_OFF, NAME, offset, found)
        return self.source.read_at(offset, length)


def recognise(head: bytes) -> bool:
    """True if a file begins as TIFF or BigTIFF do."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_directories(source: ByteSource) -> tuple[Directory, ...]:
    """Return all directories in the file's order, SubIFDs under theirs.

    Raises UnreadableSlide for a file that is cut off, goes round in a circle or has more than the limits allow.
    """
    head = source.read_at(0, min(8, source.size))
    if recognise(head) and len(head) < 8:
        raise UnreadableSlide(Refusal.CUT_OFF, NAME, len(head), "the file ends within its header")
    if not recognise(head):
        raise UnreadableSlide(Refusal.UNKNOWN_FORMAT, NAME, 0, "the file does not begin as a TIFF does")
    order, big = ("<" if head[:2] == b"II" else ">"), head[:4] in (b"II+\0", b"MM\0+")
    if big:
        size, zero = struct.unpack(order + "HH", head[4:])
        if (size, zero) != (8, 0):
            raise UnreadableSlide(Refusal.DAMAGED, NAME, 4, f"a BigTIFF of {size}-byte offsets; only 8-byte offsets are defined")
        following = struct.unpack(order + "Q", source.read_at(8, 8))[0]
    else:
        following = struct.unpack(order + "I", head[4:])[0]
    walk, found = _Walk(source, order, big), []
    while following:
        directory, following = walk.directory(following)
        found.append(directory)
    if not found:
        raise UnreadableSlide(Refusal.CUT_OFF, NAME, 4, "the header leads to no directory")
    return tuple(found)
