"""Whole objects in another transfer syntax, for clients that do not take the one that was sent.

No pixel value changes: the targets are native or lossless, and what was encoded is decoded again and compared before
it is handed out.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from dicom_gateway.errors import NotStorable, UnreadableDICOM
from dicom_gateway.frames import place_of
from dicom_gateway.header import read_header as read_index_header
from dicom_gateway.inflation import inflate
from dicom_gateway.part10 import part10 as with_meta
from dicom_gateway.pixels.codecs import Pixels
from dicom_gateway.pixels.decode import PIXEL_ELEMENT_HEAD, decode_frame, pixel_vr, read_header
from dicom_gateway.pixels.encode import ENCODERS, encode_frame
from dicom_gateway.pixels.errors import PixelError
from dicom_gateway.pixels.single_bit import pack_bits
from dicom_gateway.scanner import check_deflated, scan
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

TARGETS = frozenset({EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, *ENCODERS})
"""Transfer syntaxes that `transcode` makes."""

MAX_NATIVE = 1 << 30
"""Bytes of an object's native pixels: what is transcoded stands in memory."""


def transcode(part10: bytes, target: str) -> bytes:
    """The object in the transfer syntax `target`, one of `TARGETS`; runs in a process of its own.

    Colour that a lossy or reversible colour transform holds comes out as RGB. Raises `PixelError`.
    """
    if target not in TARGETS:
        raise PixelError(f"objects are not transcoded to {target}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_deflated(part10)
            data_set = dcmread(BytesIO(part10))
            if "PixelData" in data_set:
                _convert_pixels(data_set, part10, target)
            elif target in ENCODERS:
                raise PixelError("an object without integer pixels has no compressed form")
            data_set.file_meta.TransferSyntaxUID = UID(target)
            out = BytesIO()
            dcmwrite(out, data_set, implicit_vr=target == IMPLICIT_VR_LITTLE_ENDIAN, little_endian=True, force_encoding=True)
            return out.getvalue()
    except PixelError:
        raise
    except Exception as error:  # codecs and pydicom raise whatever they meet
        raise PixelError(f"the object cannot be transcoded: {error}") from None


def frames_of(part10: bytes) -> tuple[Dataset, Iterator[Pixels]]:
    """The header and the decoded frames of an object, one at a time. Raises `PixelError`."""
    try:
        found = scan(part10)
        described = read_index_header(found)
    except (UnreadableDICOM, NotStorable) as error:
        raise PixelError(str(error)) from None
    index = described.frames
    if found.pixel_data is None or index is None:
        raise PixelError("the object has no frames that can be told apart")
    start = found.data_set_offset if found.syntax.deflated else 0
    try:
        data = memoryview(part10[:start] + inflate(memoryview(part10)[start:], start)) if found.syntax.deflated else found.data
    except UnreadableDICOM as error:
        raise PixelError(str(error)) from None
    head = bytes(data[start : found.pixel_data.element_offset + PIXEL_ELEMENT_HEAD])
    if found.syntax.deflated:
        head = with_meta(head, described.sop_class_uid, described.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN)
    header = read_header(head)
    frame_bytes = header.Rows * header.Columns * header.get("SamplesPerPixel", 1) * max(header.BitsAllocated, 8) // 8
    if frame_bytes * index.count > MAX_NATIVE:
        raise PixelError(f"{index.count} frames of {frame_bytes} bytes are more than is transcoded at once")

    def frames() -> Iterator[Pixels]:
        for number in range(index.count):
            place = place_of(index, number, found.syntax)
            pixels = decode_frame(header, bytes(data[place.offset : place.offset + place.length]), place.skip_bits, pixel_vr(head))
            # A signed code stream under an unsigned header: the bits are kept, and mean what the header says from here on.
            yield (
                pixels.astype(f"u{pixels.dtype.itemsize}") if pixels.dtype.kind == "i" and not header.get("PixelRepresentation") else pixels
            )

    return header, frames()


def _convert_pixels(data_set: Dataset, part10: bytes, target: str) -> None:
    if not data_set["PixelData"].is_undefined_length and target not in ENCODERS:
        if not data_set.original_encoding[1]:
            _swap_pixels(data_set)
        return
    _, frames = frames_of(part10)
    decoded = list(frames)
    if len(decoded) != max(int(data_set.get("NumberOfFrames") or 1), 1):
        raise PixelError(f"{len(decoded)} frames are there, the header says {data_set.NumberOfFrames}")
    colour = data_set.get("SamplesPerPixel", 1) == 3
    if target in ENCODERS:
        _compress(data_set, decoded, target, colour)
    else:
        _lay_down(data_set, decoded, colour)


def _lay_down(data_set: Dataset, frames: list[Pixels], colour: bool) -> None:
    """Native pixels: colour by pixel (PS3.3 C.7.6.3.1.3), even length (PS3.5 8.1.1)."""
    if data_set.BitsAllocated == 1:
        data = pack_bits(frames)
    else:
        data = b"".join(frame.astype(frame.dtype.newbyteorder("<"), copy=False).tobytes() for frame in frames)
    if colour:
        data_set.PhotometricInterpretation, data_set.PlanarConfiguration = "RGB", 0
    _put(data_set, data + b"\0" * (len(data) % 2), "OB" if data_set.BitsAllocated <= 8 else "OW", encapsulated=False)


def _compress(data_set: Dataset, frames: list[Pixels], target: str, colour: bool) -> None:
    if data_set.BitsAllocated not in (8, 16):
        raise PixelError(f"pixels of {data_set.BitsAllocated} bits are not compressed")
    encoder = ENCODERS[target]
    if colour:
        data_set.PhotometricInterpretation, data_set.PlanarConfiguration = encoder.colour, encoder.planar
    encoded = [encode_frame(frame, target) for frame in frames]
    _put(data_set, encapsulate(encoded), "OB", encapsulated=True)
    _prove(data_set, encoded, frames, target)


def _prove(data_set: Dataset, encoded: list[bytes], frames: list[Pixels], target: str) -> None:
    """Decoded again, every frame is what it was."""
    header = Dataset()
    header.update({e.tag: e for e in data_set.group_dataset(0x0028)})
    header.file_meta = data_set.file_meta.__class__()
    header.file_meta.TransferSyntaxUID = UID(target)
    for number, (codestream, frame) in enumerate(zip(encoded, frames, strict=True), 1):
        item = b"\xfe\xff\x00\xe0" + len(codestream).to_bytes(4, "little") + codestream
        if not np.array_equal(decode_frame(header, item), frame):
            raise PixelError(f"frame {number} does not come back as it was out of {target}")


def _put(data_set: Dataset, data: bytes, vr: str, *, encapsulated: bool) -> None:
    data_set.PixelData = data
    data_set["PixelData"].VR = vr
    data_set["PixelData"].is_undefined_length = encapsulated
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in data_set:
            delattr(data_set, keyword)


def _swap_pixels(data_set: Dataset) -> None:
    """Big-endian pixels to little endian; 8-bit ones are swapped only inside words (PS3.5 8.2 and annex D)."""
    if data_set["PixelData"].VR == "OB":
        return
    word = max(2, data_set.BitsAllocated // 8)
    pixels = np.frombuffer(data_set.PixelData, np.dtype(f">u{word}"))
    data_set.PixelData = pixels.astype(f"<u{word}").tobytes()
