"""One frame from its encoded bytes to an array, trying every codec that knows its syntax."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from dicom_gateway.blank_vr import with_vrs
from dicom_gateway.errors import UnreadableDICOM
from dicom_gateway.frames import join_fragments
from dicom_gateway.inflation import inflate
from dicom_gateway.pixels.codecs import Pixels, decode_encoded, with_pydicom
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.pixels.single_bit import unpack_bits
from dicom_gateway.scanner import read_meta
from dicom_gateway.transfer_syntax import DEFLATED_IMAGE_FRAME, transfer_syntax

PIXEL_ELEMENT_HEAD = 12  # bytes of the pixel data element that `head` includes: its tag, VR and length


def read_header(head: bytes) -> Dataset:
    """The data set in front of the pixel data; `head` reaches `PIXEL_ELEMENT_HEAD` bytes into these.

    Raises `PixelError`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dcmread(BytesIO(_with_vrs(head)), stop_before_pixels=True)
    except Exception as error:  # pydicom raises whatever its parsing meets
        raise PixelError(f"the header cannot be read: {error}") from None


def _with_vrs(head: bytes) -> bytes:
    """`head` without blank VRs, which pydicom does not read."""
    meta, start = read_meta(memoryview(head))
    syntax = transfer_syntax(meta.get(0x00020010, b"").rstrip(b"\0 ").decode("latin_1"))
    return head if syntax.implicit_vr else with_vrs(head, start, ">" if syntax.big_endian else "<")


def pixel_vr(head: bytes) -> str:
    """VR of the pixel data element that closes `head`; OW where the encoding does not say (PS3.5 A.1)."""
    return "OB" if head[-8:-6] == b"OB" else "OW"


def decode_frame(header: Dataset, encoded: bytes, skip_bits: int = 0, vr: str = "OW") -> Pixels:
    """Decode one frame: (rows, columns) or (rows, columns, samples), stored values, colour as RGB.

    `encoded` is the frame's bytes in the object: native pixels, or pixel data items; `vr` that of the pixel data
    (it says whether big-endian 8-bit pixels are packed in words). Raises `PixelError`.
    """
    syntax = transfer_syntax(str(header.file_meta.TransferSyntaxUID))
    try:
        if not syntax.encapsulated or not _encapsulated(encoded):
            return _native(header, encoded, skip_bits, vr, UID(syntax.uid) if not syntax.encapsulated else ExplicitVRLittleEndian)
        codestream = join_fragments(encoded)
        if syntax.uid == DEFLATED_IMAGE_FRAME:
            return _native(header, inflate(memoryview(codestream), 0, _native_size(header)), 0, "OW", ExplicitVRLittleEndian)
    except PixelError:
        raise
    except (UnreadableDICOM, ValueError, AttributeError, TypeError, NotImplementedError) as error:
        raise PixelError(f"the frame cannot be decoded: {error}") from None
    return decode_encoded(header, codestream, syntax.uid)


def _native_size(header: Dataset) -> int:
    """Bytes of a native frame, the padding to even length included (PS3.5 8.1.1)."""
    bits = int(header.BitsAllocated) * int(header.get("SamplesPerPixel", 1))
    return (int(header.Rows) * int(header.Columns) * bits + 7) // 8 + 1


def _native(header: Dataset, data: bytes, skip_bits: int, vr: str, uid: UID) -> Pixels:
    big_endian = not uid.is_little_endian
    if header.BitsAllocated <= 8 and big_endian:
        if vr != "OB":  # bytes lie in words: these are swapped whole, and cut then
            data = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes() + data[len(data) // 2 * 2 :]
        data, skip_bits = data[skip_bits // 8 :], skip_bits % 8
        big_endian, vr, uid = False, "OB", ExplicitVRLittleEndian
    if header.BitsAllocated == 1:
        return unpack_bits(data, header.Rows, header.Columns, skip_bits)
    fast = _native_grey(header, data, big_endian)
    if fast is not None:
        return fast
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return with_pydicom(header, data, uid, vr)


def _encapsulated(encoded: bytes) -> bool:
    return encoded[:4] == b"\xfe\xff\x00\xe0"


def _native_grey(header: Dataset, encoded: bytes, big_endian: bool) -> Pixels | None:
    """The commonest case without detours: one sample of 8 or 16 whole bits."""
    bits, stored = header.BitsAllocated, header.get("BitsStored", header.BitsAllocated)
    if bits in (32, 64) and "BitsStored" not in header:
        # Float and Double Float Pixel Data have no Bits Stored (PS3.3 C.7.6.24).
        floats = np.frombuffer(encoded, f"{'>' if big_endian else '<'}f{bits // 8}", header.Rows * header.Columns)
        return floats.reshape(header.Rows, header.Columns).astype(f"f{bits // 8}")
    if header.get("SamplesPerPixel", 1) != 1 or bits not in (8, 16) or header.get("HighBit", stored - 1) != stored - 1:
        return None
    kind = np.dtype(f"{'>' if big_endian else '<'}{'i' if header.get('PixelRepresentation', 0) else 'u'}{bits // 8}")
    count = header.Rows * header.Columns
    pixels = np.frombuffer(encoded, kind, count).reshape(header.Rows, header.Columns)
    if big_endian:
        pixels = pixels.astype(kind.newbyteorder("="))
    if stored < bits:
        # What is above BitsStored is not part of the value (PS3.5 8.1.1): shift it out, keeping the sign.
        pixels = (pixels << (bits - stored)) >> (bits - stored)
    return pixels
