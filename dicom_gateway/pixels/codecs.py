"""Decoders of one frame, several for each transfer syntax: where one fails, the next is asked, and who failed is said.

pydicom's plugins come first (pylibjpeg for JPEG 2000 and RLE, Pillow for JPEG of 8 bits; GDCM and pyjpegls where a site has installed
them), imagecodecs behind them, which has every JPEG process that DICOM names, and JPEG-LS; pylibjpeg-libjpeg, which is no part of the
product, last. No decoder reads every file, and the files that one refuses another often takes.
"""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import convert_color_space
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from dicom_gateway.pixels.codestream import check_rle, check_size, is_signed
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.pixels.single_bit import unpack_bits
from dicom_gateway.transfer_syntax import RLE_LOSSLESS, transfer_syntax

log = logging.getLogger(__name__)

Pixels = NDArray[Any]
Decode = Callable[[Dataset, bytes], Pixels]

FRAME_ATTRIBUTES = (
    "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PhotometricInterpretation", "PlanarConfiguration",
)  # fmt: skip
"""The attributes of the Image Pixel Module that say what a frame's bytes mean (PS3.3 C.7.6.3)."""

_LIBJPEG = "pylibjpeg"
"""pydicom's name of the plugin that decodes JPEG and JPEG-LS by pylibjpeg-libjpeg (GPL-3), where a site has installed that."""

_JPEG = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70))
_JPEG_LS = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (80, 81))
_JPEG_2000 = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (90, 91, 92, 93, 201, 202, 203))
_JPEG_XL = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (110, 111, 112))


def decode_encoded(header: Dataset, codestream: bytes, uid: str) -> Pixels:
    """The frame behind one compressed code stream: (rows, columns) or (rows, columns, samples), colour as RGB.

    Raises `PixelError`, which names every decoder that was tried and what it said.
    """
    if transfer_syntax(uid).video_media_type:
        raise PixelError("this is video: its frames are not decoded one by one")
    _check_claim(header, codestream, uid)
    header = _with_sign(header, codestream, uid)
    failures: list[str] = []
    for name, decode in _decoders(uid, header):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pixels = _checked(decode(header, codestream), header)
        except Exception as error:  # every codec has exceptions of its own
            failures.append(f"{name}: {_sentence(error).removeprefix(f'{name}: ')}")
            continue
        if failures:
            log.info("frame of %s: %s; read by %s", uid, "; ".join(failures), name)
        return pixels
    if not failures:
        raise PixelError(f"no decoder for the transfer syntax {uid}")
    raise PixelError("no decoder can read the frame (" + "; ".join(failures) + ")")


def _with_sign(header: Dataset, codestream: bytes, uid: str) -> Dataset:
    """The attributes of a frame, signed where its JPEG 2000 stream says so and the header does not: a decoder would shift every value."""
    if uid not in _JPEG_2000 or header.get("PixelRepresentation") or not is_signed(codestream):
        return header
    found = Dataset()
    found.file_meta = header.file_meta
    for keyword in FRAME_ATTRIBUTES:
        if keyword in header:
            setattr(found, keyword, header[keyword].value)
    found.PixelRepresentation = 1
    return found


def _check_claim(header: Dataset, codestream: bytes, uid: str) -> None:
    """Raises `PixelError` where a decoder would reserve memory for another frame than the header tells of."""
    samples = int(header.get("SamplesPerPixel", 1))
    if uid != RLE_LOSSLESS:
        if uid in _JPEG | _JPEG_LS | _JPEG_2000 | _JPEG_XL:
            check_size(codestream, header.Rows, header.Columns, samples)
    elif header.BitsAllocated == 1:
        check_rle(codestream, -(-header.Rows * header.Columns // 8), 1, samples)
    else:
        check_rle(codestream, header.Rows, header.Columns, samples * header.BitsAllocated // 8)


def with_pydicom(header: Dataset, data: bytes, uid: UID, vr: str = "OW", plugin: str = "") -> Pixels:
    """One frame of native or encapsulated pixel `data` by pydicom, by one of its plugins if `plugin` names it."""
    frame = Dataset()
    for keyword in FRAME_ATTRIBUTES:
        if keyword in header:
            setattr(frame, keyword, header[keyword].value)
    frame.NumberOfFrames = 1
    frame.PixelData = data if len(data) % 2 == 0 else data + b"\0"
    frame["PixelData"].VR = vr if frame.BitsAllocated <= 8 else "OW"
    if not uid.is_compressed:
        frame["PixelData"].is_undefined_length = False
    frame.file_meta = header.file_meta.__class__()
    frame.file_meta.TransferSyntaxUID = uid
    frame.set_original_encoding(uid.is_implicit_VR, uid.is_little_endian)
    pixels: Pixels = pixel_array(frame, decoding_plugin=plugin)
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _decoders(uid: str, header: Dataset) -> Iterator[tuple[str, Decode]]:
    if uid == RLE_LOSSLESS and header.BitsAllocated == 1:
        yield "packed bits", _single_bit_rle
        return
    try:
        plugins = get_decoder(UID(uid)).available_plugins
    except NotImplementedError:
        plugins = ()
    last = {_LIBJPEG} if uid in _JPEG | _JPEG_LS else set()
    for plugin in plugins:
        if plugin not in last:
            yield plugin, partial(_by_plugin, UID(uid), plugin)
    for syntaxes, name, decode in _FALLBACKS:
        if uid in syntaxes:
            yield name, decode
    for plugin in last & set(plugins):
        yield plugin, partial(_by_plugin, UID(uid), plugin)


def _by_plugin(uid: UID, plugin: str, header: Dataset, codestream: bytes) -> Pixels:
    return with_pydicom(header, encapsulate([codestream]), uid, "OB", plugin)


def _single_bit_rle(header: Dataset, codestream: bytes) -> Pixels:
    """A frame of single bits: one segment whose bytes hold eight pixels each (PS3.5 G.2, 8.1.1)."""
    segments, first = struct.unpack_from("<II", codestream)
    if segments != 1:
        raise PixelError(f"{segments} RLE segments where single-bit pixels have one")
    packed = bytes(imagecodecs.packbits_decode(codestream[first:]))
    return unpack_bits(packed, header.Rows, header.Columns)


def _jpeg(header: Dataset, codestream: bytes) -> Pixels:
    space = None if str(header.PhotometricInterpretation).startswith("YBR") or header.SamplesPerPixel == 1 else "RGB"
    return np.asarray(imagecodecs.jpeg8_decode(codestream, colorspace=space, outcolorspace=space))


def _jpeg_lossless(header: Dataset, codestream: bytes) -> Pixels:
    return _rgb(header, np.asarray(imagecodecs.jpegsof3_decode(codestream)))


def _jpeg_ls(header: Dataset, codestream: bytes) -> Pixels:
    return _rgb(header, np.asarray(imagecodecs.jpegls_decode(codestream)))


def _jpeg_2000(header: Dataset, codestream: bytes) -> Pixels:
    return np.asarray(imagecodecs.jpeg2k_decode(codestream))


def _high_throughput(header: Dataset, codestream: bytes) -> Pixels:
    return np.asarray(imagecodecs.htj2k_decode(codestream))


def _jpeg_xl(header: Dataset, codestream: bytes) -> Pixels:
    return np.asarray(imagecodecs.jpegxl_decode(codestream))


def _rle(header: Dataset, codestream: bytes) -> Pixels:
    kind = np.dtype(f"<u{header.BitsAllocated // 8}")
    pixels = np.asarray(imagecodecs.dicomrle_decode(codestream, kind.str)).view(kind)
    samples = header.get("SamplesPerPixel", 1)
    if samples == 1:
        return pixels.reshape(header.Rows, header.Columns)
    return _rgb(header, np.moveaxis(pixels.reshape(samples, header.Rows, header.Columns), 0, -1))


_FALLBACKS: tuple[tuple[frozenset[str], str, Decode], ...] = (
    (_JPEG, "imagecodecs JPEG", _jpeg),
    (_JPEG, "imagecodecs JPEG lossless", _jpeg_lossless),
    (_JPEG | _JPEG_LS, "imagecodecs JPEG-LS", _jpeg_ls),  # some gateways send one under the UID of the other
    (_JPEG_LS, "imagecodecs JPEG", _jpeg),
    (_JPEG_2000, "imagecodecs JPEG 2000", _jpeg_2000),
    (_JPEG_2000, "imagecodecs HTJ2K", _high_throughput),
    (_JPEG_XL, "imagecodecs JPEG XL", _jpeg_xl),
    (frozenset({RLE_LOSSLESS}), "imagecodecs RLE", _rle),
)


def _rgb(header: Dataset, pixels: Pixels) -> Pixels:
    """Colour of codecs that know no colour space."""
    if str(header.PhotometricInterpretation) in ("YBR_FULL", "YBR_FULL_422"):
        converted: Pixels = convert_color_space(pixels, "YBR_FULL", "RGB")
        return converted
    return pixels


def _checked(pixels: Pixels, header: Dataset) -> Pixels:
    """The array in the shape and type that the header promises; another size is a failure of the decoder."""
    samples = header.get("SamplesPerPixel", 1)
    shape = (header.Rows, header.Columns) if samples == 1 else (header.Rows, header.Columns, samples)
    if pixels.shape != shape:
        raise PixelError(f"decodes to {'×'.join(map(str, pixels.shape))} where the header says {'×'.join(map(str, shape))}")
    if header.BitsAllocated == 1 or pixels.dtype.kind == "f":
        return pixels
    signed = bool(header.get("PixelRepresentation", 0))
    kind = np.dtype(f"{'i' if signed else 'u'}{header.BitsAllocated // 8}")
    if pixels.dtype == kind:
        return pixels
    # The codec knows another sign or width: what counts is the low BitsStored bits (PS3.5 8.1.1).
    spare = header.BitsAllocated - header.BitsStored
    masked: Pixels = (pixels.astype(kind) << spare) >> spare
    return masked


def _sentence(error: Exception) -> str:
    """Return the message of a decoder on one line; pydicom repeats its own sentence in front."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.rpartition("all available plugins: ")[2][:200]
