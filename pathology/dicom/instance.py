"""The header of one DICOM object, read within bounds and without its pixel data."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from pathology.errors import NotArrived, Refusal, UnreadableSlide
from pathology.limits import MAX_DICOM_HEADER_BYTES
from pathology.source import ByteSource

NAME: Final = "DICOM"
VL_WHOLE_SLIDE_MICROSCOPY: Final = "1.2.840.10008.5.1.4.1.1.77.1.6"
_SERIES_INSTANCE_UID: Final = 0x0020000E
_PIXEL_DATA: Final = 0x7FE00010
_BLOCK: Final = 1 << 16


class _Window:
    """A source as a file for pydicom, read in blocks: at most so many bytes are given out, and never more than the file has."""

    def __init__(self, source: ByteSource, most: int) -> None:
        self._source, self._left, self._at = source, most, 0
        self._start, self._block = 0, b""

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        base = {0: 0, 1: self._at, 2: self._source.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, length: int = -1) -> bytes:
        available = max(0, self._source.size - self._at)
        wanted = available if length is None or length < 0 else min(length, available)
        self._left -= wanted
        if self._left < 0:
            found = f"more than {MAX_DICOM_HEADER_BYTES} bytes in front of the pixel data"
            raise UnreadableSlide(Refusal.TOO_LARGE, NAME, self._at, found)
        if not self._start <= self._at <= self._at + wanted <= self._start + len(self._block):
            self._start = self._at
            self._block = self._source.read_at(self._at, min(max(wanted, _BLOCK), available))
        inside = self._at - self._start
        self._at += wanted
        return self._block[inside : inside + wanted]


@dataclass(frozen=True, slots=True)
class Instance:
    """One object: its dataset without pixel data, and where the value of the pixel data begins (0: there is none).

    `pixel_length` is in bytes; None where the pixel data is encapsulated.
    """

    source: ByteSource
    dataset: FileDataset
    transfer_syntax: UID
    pixel_offset: int = 0
    pixel_length: int | None = None

    def number(self, keyword: str, default: int = 0) -> int:
        """A whole number, or the default where it is absent. Raises UnreadableSlide where it is none."""
        value = self.dataset.get(keyword)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise UnreadableSlide(Refusal.DAMAGED, NAME, 0, f"{keyword} is no whole number") from None

    def text(self, keyword: str) -> str:
        """A value as text of at most 64 characters; empty where it is absent."""
        return str(self.dataset.get(keyword) or "")[:64]

    def sequence(self, keyword: str) -> list[Any]:
        """Items of a sequence; none where it is absent."""
        return list(self.dataset.get(keyword) or [])


def recognise(head: bytes) -> bool:
    """True for a DICOM file with its preamble (PS3.10 7.1)."""
    return head[128:132] == b"DICM"


def read_instance(source: ByteSource) -> Instance:
    """Return the header of a DICOM object. Raises UnreadableSlide for what cannot be read, within time and memory of its size."""
    window = _Window(source, MAX_DICOM_HEADER_BYTES)
    dataset = _guarded(source, window, lambda: dcmread(window, stop_before_pixels=True))
    syntax = UID(str(dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian)))
    offset, length = _pixel_data(source, window.tell(), syntax)
    return Instance(source, dataset, syntax, offset, length)


def read_series(source: ByteSource) -> str:
    """Return an object's Series Instance UID, or an empty text; nothing behind it is read. Raises UnreadableSlide."""
    window = _Window(source, MAX_DICOM_HEADER_BYTES)
    found = _guarded(
        source, window, lambda: read_partial(cast(BinaryIO, window), stop_when=lambda tag, vr, length: tag > _SERIES_INSTANCE_UID)
    )
    return str(found.get("SeriesInstanceUID") or "")


def _guarded(source: ByteSource, window: _Window, reading: Callable[[], FileDataset]) -> FileDataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values out of form are looked at where they are used
            _check_syntax(source)
            return reading()
    except (UnreadableSlide, NotArrived):
        raise
    except InvalidDicomError:
        raise UnreadableSlide(Refusal.UNKNOWN_FORMAT, NAME, 128, "no DICOM file") from None
    except Exception as error:  # pydicom raises what the damaged bytes make it raise
        raise UnreadableSlide(Refusal.DAMAGED, NAME, window.tell(), f"its header cannot be read ({type(error).__name__})") from None


def _check_syntax(source: ByteSource) -> None:
    """Refuse a deflated object before pydicom inflates all of it."""
    head = source.read_at(0, min(source.size, 1 << 16))
    if DeflatedExplicitVRLittleEndian.encode() in head[:4096]:
        raise UnreadableSlide(Refusal.NOT_SUPPORTED, NAME, 132, "a deflated object", "Send it in another transfer syntax.")


def _pixel_data(source: ByteSource, at: int, syntax: UID) -> tuple[int, int | None]:
    """Where the value of pixel data that begins at `at` lies, and its length (None: encapsulated). (0, 0) where there is none."""
    if at + 8 > source.size:
        return 0, 0
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    head = source.read_at(at, min(12, source.size - at))
    group, element = struct.unpack_from(order + "HH", head)
    if group << 16 | element != _PIXEL_DATA:
        return 0, 0
    if syntax == ImplicitVRLittleEndian:
        length, value = struct.unpack_from("<I", head, 4)[0], at + 8
    elif len(head) == 12:
        length, value = struct.unpack_from(order + "I", head, 8)[0], at + 12
    else:
        return 0, 0
    return value, None if length == 0xFFFFFFFF else length
