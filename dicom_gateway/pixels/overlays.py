"""Overlay planes: graphics of one bit a pixel that lie on the picture (PS3.3 C.9.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from dicom_gateway.pixels.colour import Picture
from dicom_gateway.pixels.single_bit import unpack_bits

_GROUPS = range(0x6000, 0x6020, 2)
_ROWS, _COLUMNS, _FRAMES, _KIND, _ORIGIN, _FIRST_FRAME, _DATA = 0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0051, 0x3000


def draw_overlays(header: Dataset, picture: Picture, frame: int = 1) -> Picture:
    """The picture with its graphic overlays in white; regions of interest (type R) are not drawn.

    An overlay that is damaged is left out: the pixels count for more.
    """
    for group in _GROUPS:
        if (group, _DATA) not in header or str(_value(header, group, _KIND, "G")) != "G":
            continue
        rows, columns = int(_value(header, group, _ROWS, 0)), int(_value(header, group, _COLUMNS, 0))
        place = frame - int(_value(header, group, _FIRST_FRAME, 1))
        count = int(_value(header, group, _FRAMES, 1))
        if count == 1 and (group, _FRAMES) not in header:
            place = 0  # one plane for all frames
        data = bytes(header[group, _DATA].value)
        bit = place * rows * columns
        if not 0 <= place < count or rows * columns == 0 or len(data) * 8 < bit + rows * columns:
            continue
        plane = unpack_bits(data[bit // 8 :], rows, columns, bit % 8)
        origin = _value(header, group, _ORIGIN, (1, 1))
        picture = _laid_on(picture, plane.astype(bool), int(origin[0]) - 1, int(origin[1]) - 1)
    return picture


def _laid_on(picture: Picture, plane: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], top: int, left: int) -> Picture:
    """The part of the plane that falls on the picture, in white; the origin may lie outside of it."""
    height, width = picture.shape[:2]
    visible = plane[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    if visible.size:
        picture = picture.copy()
        window = picture[max(0, top) : max(0, top) + visible.shape[0], max(0, left) : max(0, left) + visible.shape[1]]
        window[visible] = 255
    return picture


def _value(header: Dataset, group: int, element: int, default: Any) -> Any:
    found = header.get((group, element))
    return default if found is None or found.value in (None, "") else found.value
