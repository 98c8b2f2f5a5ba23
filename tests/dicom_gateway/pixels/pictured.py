"""Images for the pixel tests, and one way to decode and draw them through the public doors."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from dicom_gateway.header import read_header
from dicom_gateway.pixels import Rendering, Window
from dicom_gateway.pixels.decode import PIXEL_ELEMENT_HEAD
from dicom_gateway.pixels.render import render
from dicom_gateway.pixels.transcode import frames_of
from dicom_gateway.scanner import scan
from tests.dicom_gateway.objects import ct_slice, part10_of


def image(pixels: NDArray[Any], **attributes: Any) -> Dataset:
    """An object of one grey frame of `pixels` without window and rescale, or with those given."""
    plain = {"WindowCenter": None, "WindowWidth": None, "RescaleSlope": None, "RescaleIntercept": None}
    bits = pixels.dtype.itemsize * 8
    made = ct_slice(**{k: v for k, v in plain.items() if k not in attributes})
    made.Rows, made.Columns = pixels.shape[:2]
    made.BitsAllocated = made.BitsStored = bits
    made.HighBit, made.PixelRepresentation = bits - 1, int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
    made.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    made["PixelData"].VR = "OB" if bits == 8 else "OW"
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def frames(part10: bytes) -> NDArray[Any]:
    """All decoded frames: (frames, rows, columns[, samples])."""
    return np.stack(list(frames_of(part10)[1]))


def drawn(data_set: Dataset | bytes, window: Window | None = None, frame: int = 1) -> NDArray[np.uint8]:
    """The rendered PNG of one native frame as an array."""
    part10 = data_set if isinstance(data_set, bytes) else part10_of(data_set)
    found = scan(part10)
    assert found.pixel_data is not None
    head = bytes(found.data[: found.pixel_data.element_offset + PIXEL_ELEMENT_HEAD])
    index = read_header(found).frames
    assert index is not None
    place = index.place(frame - 1)
    encoded = bytes(found.data[place.offset : place.offset + place.length])
    png = render(head, encoded, place.skip_bits, Rendering("image/png", window), frame)
    return np.asarray(Image.open(BytesIO(png)))
