"""Writes one encapsulated object frame by frame: the header first, the offset tables filled in when the frames are there."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

_EXTENDED_OFFSETS: Final = (0x7FE0, 0x0001)
_EXTENDED_LENGTHS: Final = (0x7FE0, 0x0002)
_ITEM: Final = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
_PIXEL_DATA: Final = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + _ITEM
_END: Final = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


class InstanceWriter:
    """An object that is being written; `frames` is how many will come. Close it with its final header."""

    def __init__(self, path: Path, header: Dataset, frames: int) -> None:
        self.path, self._count = path, frames
        self._offsets, self._lengths = np.zeros(frames, "<u8"), np.zeros(frames, "<u8")
        self._header = encoded(header)
        self._file: BinaryIO = path.open("xb")
        self._file.write(self._header)
        self._file.write(self._tables())
        self._file.write(_PIXEL_DATA)
        self._at = 0
        self._number = 0

    @property
    def number(self) -> int:
        """How many frames are written."""
        return self._number

    @property
    def frame_bytes(self) -> int:
        """Bytes of all frames so far."""
        return int(self._lengths.sum())

    def add(self, frame: bytes) -> None:
        """Write the next frame as one fragment, padded to even length (PS3.5 A.4)."""
        padded = frame + bytes(len(frame) % 2)
        self._offsets[self._number], self._lengths[self._number] = self._at, len(padded)
        self._file.write(struct.pack("<HHI", 0xFFFE, 0xE000, len(padded)))
        self._file.write(padded)
        self._at += 8 + len(padded)
        self._number += 1

    def close(self, header: Dataset) -> None:
        """Write the end, the tables, and the header again, which must have kept its length."""
        if self._number != self._count:
            raise ValueError(f"{self._number} of {self._count} frames were written")
        final = encoded(header)
        if len(final) != len(self._header):
            raise ValueError("the header changed its length")
        self._file.write(_END)
        self._file.seek(0)
        self._file.write(final)
        self._file.write(self._tables())
        self._file.close()

    def abandon(self) -> None:
        """Close and remove what was written."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _tables(self) -> bytes:
        return _table(_EXTENDED_OFFSETS, self._offsets) + _table(_EXTENDED_LENGTHS, self._lengths)


def _table(tag: tuple[int, int], values: npt.NDArray[np.uint64]) -> bytes:
    raw = values.tobytes()
    return struct.pack("<HH2sHI", *tag, b"OV", 0, len(raw)) + raw


def encoded(header: Dataset) -> bytes:
    """A dataset without pixel data as it stands at the beginning of a file."""
    out = io.BytesIO()
    header.save_as(out, enforce_file_format=True)
    return out.getvalue()
