"""Whole objects in another transfer syntax, for clients that do not take the one that was sent."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from dicom_gateway.pixels.errors import PixelError


def to_explicit_little_endian(part10: bytes) -> bytes:
    """The object with native pixels in explicit VR little endian; runs in a process of its own. Raises `PixelError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data_set = dcmread(BytesIO(part10))
            if data_set.file_meta.TransferSyntaxUID.is_compressed and "PixelData" in data_set:
                data_set.decompress(generate_instance_uid=False)
            elif not data_set.original_encoding[1] and "PixelData" in data_set:
                _swap_pixels(data_set)
            data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            out = BytesIO()
            dcmwrite(out, data_set, implicit_vr=False, little_endian=True, force_encoding=True)
            return out.getvalue()
    except Exception as error:  # codecs and pydicom raise whatever they meet
        raise PixelError(f"the object cannot be transcoded: {error}") from None


def _swap_pixels(data_set: Dataset) -> None:
    """Big-endian pixels to little endian; 8-bit ones are swapped only inside words (PS3.5 8.2 and annex D)."""
    if data_set["PixelData"].VR == "OB":
        return
    word = max(2, data_set.BitsAllocated // 8)
    pixels = np.frombuffer(data_set.PixelData, np.dtype(f">u{word}"))
    data_set.PixelData = pixels.astype(f"<u{word}").tobytes()
