"""Colour pictures: samples of any depth to eight bits, palettes, and colour laid over grey (PS3.3 C.7.6.3, C.8.16.2.1.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from dicom_gateway.pixels.codecs import Pixels
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.transfer_syntax import transfer_syntax

Picture = NDArray[np.uint8]

_COLOURS = ("Red", "Green", "Blue")

# From studio-swing Y, CB, CR to R, G, B (ITU-R BT.601, PS3.3 C.7.6.3.1.2 for the retired YBR_PARTIAL forms).
_PARTIAL_OFFSET = np.array([16.0, 128.0, 128.0])
_PARTIAL = np.array([[1.1644, 1.1644, 1.1644], [0.0, -0.3918, 2.0172], [1.5960, -0.8130, 0.0]])


def colour_picture(header: Dataset, pixels: Pixels) -> Picture:
    """(rows, columns, 3) of RGB or another three-sample colour, to eight bits."""
    if pixels.dtype == np.uint8:
        eight = np.ascontiguousarray(pixels[..., :3])
    else:
        bits = int(header.get("BitsStored", pixels.dtype.itemsize * 8))
        eight = np.clip(pixels[..., :3].astype(np.float64) * (255.0 / (2**bits - 1)) + 0.5, 0, 255).astype(np.uint8)
    if str(header.get("PhotometricInterpretation", "")).startswith("YBR_PARTIAL"):
        eight = np.clip((eight - _PARTIAL_OFFSET) @ _PARTIAL + 0.5, 0, 255).astype(np.uint8)
    return eight


def palette_picture(header: Dataset, pixels: Pixels) -> Picture:
    """RGB through the palette (PS3.3 C.7.6.3.1.5-6), written out or in segments (C.7.9.2). Raises `PixelError`."""
    if "SegmentedRedPaletteColorLookupTableData" in header and "RedPaletteColorLookupTableData" not in header:
        coloured = apply_color_lut(pixels, header)
        return (coloured >> 8).astype(np.uint8) if coloured.dtype.itemsize == 2 else coloured.astype(np.uint8)
    channels = []
    for colour in _COLOURS:
        table, first = _table(header, colour)
        channels.append(table[np.clip(pixels.astype(np.int64) - first, 0, len(table) - 1)])
    return np.stack(channels, axis=-1)


def has_supplemental_palette(header: Dataset) -> bool:
    """True if some grey values of the object stand for colours (PS3.3 C.7.6.3.1.5 and C.8.16.2.1.2)."""
    return str(header.get("PixelPresentation", "")) in ("COLOR", "MIXED") and "RedPaletteColorLookupTableData" in header


def lay_supplemental_palette(header: Dataset, pixels: Pixels, grey: Picture) -> Picture:
    """The grey picture with the pixels from the palette's first value upward in its colours."""
    _, first = _table(header, "Red")
    coloured = np.repeat(grey[..., None], 3, axis=-1)
    above = pixels.astype(np.int64) >= first
    coloured[above] = palette_picture(header, pixels)[above]
    return coloured


def _table(header: Dataset, colour: str) -> tuple[Picture, int]:
    """Eight-bit entries of one colour's table, and the stored value of the first."""
    descriptor = header.get(f"{colour}PaletteColorLookupTableDescriptor")
    data = header.get(f"{colour}PaletteColorLookupTableData")
    if descriptor is None or not data:
        raise PixelError("a palette colour image without a complete palette")
    entries, first, _ = (int(n) for n in descriptor)
    entries = entries or 65536
    if first >= 32768 and header.get("PixelRepresentation", 0):
        first -= 65536  # the descriptor's second value has the sign of the pixels
    order = ">" if transfer_syntax(str(header.file_meta.TransferSyntaxUID)).big_endian else "<"
    packed = len(data) <= entries + 1 and entries > 1
    table = np.frombuffer(data, np.uint8 if packed else np.dtype(order + "u2"))[:entries]
    if table.dtype.itemsize == 2 and int(table.max(initial=0)) > 255:  # some tables of 8-bit values say 16 bits
        table = table >> 8
    return table.astype(np.uint8), first
