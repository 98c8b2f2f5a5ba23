"""Pixels of one bit: eight to a byte, the first in the lowest bit, frames end to end without padding (PS3.5 8.1.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicom_gateway.pixels.errors import PixelError


def unpack_bits(packed: bytes, rows: int, columns: int, skip_bits: int = 0) -> NDArray[np.uint8]:
    """(rows, columns) of 0 and 1 from `packed`, beginning `skip_bits` into it. Raises `PixelError` if it is too short."""
    count = rows * columns
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")[skip_bits : skip_bits + count]
    if len(bits) < count:
        raise PixelError(f"{len(bits)} single-bit pixels are there, {count} are needed")
    return bits.reshape(rows, columns)


def pack_bits(frames: Iterable[NDArray[Any]]) -> bytes:
    """Frames of 0 and 1 one behind the other; only the last byte is filled up."""
    bits = np.concatenate([np.asarray(frame, np.uint8).reshape(-1) for frame in frames])
    return np.packbits(bits, bitorder="little").tobytes()
