"""The compact form: whatever goes in comes out byte for byte, what does not fit stays as it is, damage is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from dicom_gateway.compact import CODECS, compact, expand
from dicom_gateway.pixels.transcode import transcode
from tests.dicom_gateway.objects import ct_slice, part10_of

codecs = pytest.mark.parametrize("codec", list(CODECS))


def image(pixels: np.ndarray[Any, Any], **attributes: Any) -> Dataset:
    """`pixels`: (rows, columns), (frames, rows, columns) or (rows, columns, 3)."""
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    rows, columns = pixels.shape[:2] if colour or pixels.ndim == 2 else pixels.shape[1:3]
    bits = pixels.dtype.itemsize * 8
    made = ct_slice(
        Rows=rows, Columns=columns, BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1, SamplesPerPixel=3 if colour else 1,
        PhotometricInterpretation="RGB" if colour else "MONOCHROME2", PixelRepresentation=int(pixels.dtype.kind == "i"), **attributes,
    )  # fmt: skip
    if colour:
        made.PlanarConfiguration = 0
    elif pixels.ndim == 3:
        made.NumberOfFrames = len(pixels)
    content = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    made.PixelData = content + b"\0" * (len(content) % 2)
    made["PixelData"].VR = "OW"
    return made


def smooth(rows: int = 96, columns: int = 80, frames: int = 1) -> np.ndarray[Any, Any]:
    y, x = np.mgrid[0:rows, 0:columns]
    one = (1000 + 900 * np.sin(x / 17) * np.cos(y / 23)).astype(np.int16)
    return one if frames == 1 else np.stack([one + number for number in range(frames)])


@codecs
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("pixels", [
    smooth(), smooth() - 1000, smooth().astype("u2"), (smooth() // 8).astype("u1"), smooth(frames=4),
    np.repeat((smooth() // 8).astype("u1")[:, :, None], 3, axis=2), smooth(33, 31),
])  # fmt: skip
def test_every_kind_of_native_image_comes_back_byte_for_byte_and_smaller(codec: str, syntax: Any, pixels: Any) -> None:
    content = part10_of(image(pixels), syntax)
    made = compact(content, codec)
    assert made is not None
    assert len(made) < 0.9 * len(content)
    assert expand(made) == content


@codecs
def test_what_stands_behind_the_pixels_comes_back(codec: str) -> None:
    made = image(smooth(), DataSetTrailingPadding=bytes(100))
    made.PixelData += b"beyond the last frame."
    content = part10_of(made)
    assert expand(compact(content, codec) or b"") == content


@codecs
def test_planes_one_after_the_other_come_back(codec: str) -> None:
    colour = image(np.repeat((smooth() // 8).astype("u1")[:, :, None], 3, axis=2))
    colour.PlanarConfiguration = 1
    content = part10_of(colour)
    assert expand(compact(content, codec) or b"") == content


@codecs
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_any_pixels_come_back_or_stay(codec: str, data: st.DataObject) -> None:
    """Values that no codec likes: full range, single rows, noise."""
    rows, columns = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    kind = data.draw(st.sampled_from(["u1", "i1", "u2", "i2"]))
    seed, quiet = data.draw(st.integers(0, 999)), data.draw(st.booleans())
    limits = np.iinfo(kind)
    values = np.random.default_rng(seed).integers(limits.min, limits.max // (50 if quiet else 1), (rows, columns), endpoint=True)
    content = part10_of(image(values.astype(kind)))
    made = compact(content, codec)
    assert made is None or expand(made) == content


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_other_encodings_stay_as_they_are(syntax: Any) -> None:
    assert compact(part10_of(image(smooth()), syntax), "htj2k") is None


def test_what_is_compressed_or_has_no_pixels_or_is_no_dicom_stays_as_it_is() -> None:
    content = part10_of(image(smooth()))
    assert compact(transcode(content, str(RLELossless)), "htj2k") is None
    assert compact(part10_of(ct_slice(PixelData=None)), "htj2k") is None
    assert compact(b"no DICOM", "htj2k") is None
    assert compact(part10_of(image(np.random.default_rng(1).integers(0, 65536, (64, 64)).astype("u2"))), "htj2k") is None  # noise


@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255), cut=st.booleans())
@settings(max_examples=60, deadline=None)
def test_damage_never_comes_out_as_an_image(place: float, change: int, cut: bool) -> None:
    content = part10_of(image(smooth()))
    made = bytearray(compact(content, "htj2k") or b"")
    position = int(place * len(made))
    if cut:
        del made[position:]
    else:
        made[position] ^= change
    with pytest.raises(ValueError, match=r"."):
        expand(bytes(made))


@codecs
def test_public_files_come_back_byte_for_byte(codec: str, dicom_folder: Path) -> None:
    taken = 0
    for path in sorted(dicom_folder.iterdir()):
        if path.is_file() and (made := compact(path.read_bytes(), codec)) is not None:
            assert expand(made) == path.read_bytes(), path.name
            taken += 1
    assert taken > 10
