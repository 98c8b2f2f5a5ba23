"""One frame as native pixels for a client that decodes nothing."""

from __future__ import annotations

import numpy as np

from dicom_gateway.pixels.decode import decode_frame, pixel_vr, read_header


def native_frame(head: bytes, encoded: bytes, skip_bits: int) -> bytes:
    """Little-endian pixels, colour by pixel; runs in a process of its own. Raises `PixelError`."""
    header = read_header(head)
    pixels = decode_frame(header, encoded, skip_bits, pixel_vr(head))
    if header.BitsAllocated == 1:
        return np.packbits(pixels.astype(np.uint8), bitorder="little").tobytes()
    return pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
