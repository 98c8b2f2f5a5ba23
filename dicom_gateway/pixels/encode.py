"""Lossless encoders of one frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.encoders.base import RLELosslessEncoder

from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.transfer_syntax import HTJ2K_LOSSLESS, JPEG_2000_LOSSLESS, JPEG_LOSSLESS_SV1, JPEG_LS_LOSSLESS, RLE_LOSSLESS

Pixels = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Encoder:
    """`encode` takes (rows, columns) or (rows, columns, 3) of 8 or 16 bits. `colour` is the photometric interpretation
    of what it makes of RGB (PS3.5 8.2.4), `planar` the planar configuration; `signed` whether it knows signs."""

    encode: Callable[[Pixels], bytes]
    colour: str = "RGB"
    planar: int = 0
    signed: bool = False


def _rle(pixels: Pixels) -> bytes:
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    encoded: bytes = RLELosslessEncoder.encode(
        np.ascontiguousarray(pixels),
        rows=pixels.shape[0],
        columns=pixels.shape[1],
        samples_per_pixel=samples,
        number_of_frames=1,
        bits_allocated=pixels.dtype.itemsize * 8,
        bits_stored=pixels.dtype.itemsize * 8,
        pixel_representation=int(pixels.dtype.kind == "i"),
        photometric_interpretation="RGB" if samples == 3 else "MONOCHROME2",
        planar_configuration=0,
    )
    return encoded


def _jpeg_2000(pixels: Pixels) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True))


def _high_throughput(pixels: Pixels) -> bytes:
    return bytes(imagecodecs.htj2k_encode(pixels, reversible=True))


def _jpeg_ls(pixels: Pixels) -> bytes:
    return bytes(imagecodecs.jpegls_encode(pixels))


def _jpeg_lossless(pixels: Pixels) -> bytes:
    space = "RGB" if pixels.ndim == 3 else None
    bits = pixels.dtype.itemsize * 8  # without it the stream says 12 of 16, and other decoders cut what is above
    encoded = imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=bits, colorspace=space, outcolorspace=space)
    return bytes(encoded)


ENCODERS: Mapping[str, Encoder] = {
    RLE_LOSSLESS: Encoder(_rle, planar=1),
    JPEG_LOSSLESS_SV1: Encoder(_jpeg_lossless),
    JPEG_LS_LOSSLESS: Encoder(_jpeg_ls),
    JPEG_2000_LOSSLESS: Encoder(_jpeg_2000, colour="YBR_RCT", signed=True),
    HTJ2K_LOSSLESS: Encoder(_high_throughput, colour="YBR_RCT", signed=True),
}
"""By transfer syntax UID."""


def encode_frame(pixels: Pixels, uid: str) -> bytes:
    """One frame as a code stream of the transfer syntax `uid`. Raises `PixelError` where the syntax cannot hold it."""
    encoder = ENCODERS[uid]
    if pixels.dtype.kind not in "iu" or pixels.dtype.itemsize > 2:
        raise PixelError(f"pixels of {pixels.dtype.itemsize * 8} bits do not fit the transfer syntax {uid}")
    if pixels.dtype.kind == "i" and not encoder.signed:
        pixels = pixels.view(np.dtype(f"u{pixels.dtype.itemsize}"))
    try:
        return encoder.encode(np.ascontiguousarray(pixels))
    except Exception as error:  # every codec has exceptions of its own
        raise PixelError(f"the frame cannot be encoded: {error}") from None
