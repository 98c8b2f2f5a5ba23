"""Every transfer syntax read, and given out again without a changed value."""

from __future__ import annotations

import logging
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from dicom_gateway.pixels import PixelError
from dicom_gateway.pixels.transcode import TARGETS, transcode
from dicom_gateway.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, JPEG_LOSSLESS_SV1, RLE_LOSSLESS
from tests.dicom_gateway.objects import part10_of
from tests.dicom_gateway.pixels.pictured import frames, image

NOT_WHOLE = ("too_short", "ILV", "PAL-8")  # no DICM prefix, or cut off on purpose
NO_UIDS = ("HTJ2K", "JLSL_08", "JLSL_16")  # without a study they never get into an archive
COMPRESSED_TARGETS = sorted(TARGETS - {EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2"})


def public_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.dcm")) if not any(part in path.name for part in NOT_WHOLE + NO_UIDS)]


def reference(path: Path) -> np.ndarray:
    """The pixels by pydicom; single-bit RLE and deflated frames, which it does not read, by their native twin."""
    twin = {"_rle": "", "_deflate": ""}
    name = path.name
    if name.startswith("liver"):
        for ending in twin:
            name = name.replace(ending, "")
    pixels = dcmread(path.with_name(name)).pixel_array
    return pixels.astype(pixels.dtype.newbyteorder("="))


def test_every_public_file_decodes_and_transcodes_to_native(dicom_folder: Path) -> None:
    for path in public_files(dicom_folder):
        expected = reference(path)
        decoded = frames(path.read_bytes())
        assert np.array_equal(decoded.reshape(expected.shape), expected), path.name
        native = dcmread(BytesIO(transcode(path.read_bytes(), EXPLICIT_VR_LITTLE_ENDIAN)))
        assert native.file_meta.TransferSyntaxUID == EXPLICIT_VR_LITTLE_ENDIAN
        assert np.array_equal(native.pixel_array, expected), path.name


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize(
    "name", ["MR2_J2KR.dcm", "JPEG-LL.dcm", "US1_J2KI.dcm", "SC_rgb_2frame.dcm", "emri_small_RLE.dcm", "OBXXXX1A_expb_2frame.dcm"]
)
def test_public_files_keep_their_pixels_in_every_target(dicom_folder: Path, name: str, target: str) -> None:
    expected = reference(dicom_folder / name)
    made = dcmread(BytesIO(transcode((dicom_folder / name).read_bytes(), target)))
    assert made.file_meta.TransferSyntaxUID == target
    assert np.array_equal(made.pixel_array, expected)
    assert made.SOPInstanceUID == dcmread(dicom_folder / name).SOPInstanceUID


@pytest.mark.parametrize("target", COMPRESSED_TARGETS)
def test_odd_sizes_and_signs(target: str) -> None:
    rng = np.random.default_rng(3)
    made = [rng.integers(0, 255, (5, 7)).astype(np.uint8), rng.integers(0, 255, (3, 5, 3)).astype(np.uint8)]
    made += [rng.integers(-2000, 2000, (9, 3)).astype(np.int16), rng.integers(0, 65536, (9, 3)).astype(np.uint16)]
    for pixels in made:
        compressed = transcode(part10_of(image(pixels)), target)
        assert np.array_equal(dcmread(BytesIO(compressed)).pixel_array, pixels)
        assert np.array_equal(frames(compressed)[0], pixels)


def test_lossless_jpeg_says_how_deep_it_is() -> None:
    """Every decoder goes by the precision of the frame header (ITU-T T.81 B.2.2), and takes differences modulo 2^16 (H.1.2.1)."""
    pixels = np.array([[-2000, 2000], [-1, 0]], np.int16)
    compressed = transcode(part10_of(image(pixels)), JPEG_LOSSLESS_SV1)
    assert np.array_equal(frames(compressed)[0], pixels)
    stream = dcmread(BytesIO(compressed)).PixelData
    assert stream[stream.index(b"\xff\xc3") + 4] == 16
    assert np.array_equal(dcmread(BytesIO(compressed)).pixel_array, pixels)


def test_what_no_syntax_holds_is_refused() -> None:
    with pytest.raises(PixelError, match="32 bits"):
        transcode(part10_of(image(np.zeros((4, 4), np.uint32))), RLE_LOSSLESS)
    with pytest.raises(PixelError, match="not transcoded to"):
        transcode(part10_of(image(np.zeros((4, 4), np.uint8))), "1.2.840.10008.1.2.4.50")


@pytest.mark.parametrize(("uid", "encode"), [
    ("1.2.840.10008.1.2.4.50", lambda a: imagecodecs.jpeg8_encode(a, 95)),
    ("1.2.840.10008.1.2.4.51", lambda a: imagecodecs.jpeg8_encode(a.astype(np.uint16) * 16, 95, bitspersample=12)),
    ("1.2.840.10008.1.2.4.81", lambda a: imagecodecs.jpegls_encode(a, 2)),
    ("1.2.840.10008.1.2.4.91", lambda a: imagecodecs.jpeg2k_encode(a, 50, codecformat="j2k")),
    ("1.2.840.10008.1.2.4.203", lambda a: imagecodecs.htj2k_encode(a, reversible=True)),
    ("1.2.840.10008.1.2.4.110", lambda a: imagecodecs.jpegxl_encode(a, lossless=True, usecontainer=False)),
])  # fmt: skip
def test_syntaxes_that_no_public_file_has(uid: str, encode: object) -> None:
    wave = (np.sin(np.arange(32) / 5)[:, None] * np.cos(np.arange(40) / 7)[None] * 90 + 128).astype(np.uint8)
    deep = uid.endswith(".51")
    data_set = image(wave.astype(np.uint16) * 16 if deep else wave)
    if deep:
        data_set.BitsStored, data_set.HighBit = 12, 11
    data_set.PixelData = encapsulate([bytes(encode(wave))])  # type: ignore[operator]  # a function of the table above
    data_set["PixelData"].VR, data_set["PixelData"].is_undefined_length = "OB", True
    decoded = frames(part10_of(data_set, UID(uid)))[0]
    assert np.abs(decoded.astype(int) - (wave.astype(int) * (16 if deep else 1))).max() <= (16 * 4 if deep else 6)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("predictor", range(1, 8))
def test_every_predictor_of_lossless_jpeg_is_read_to_the_bit(bits: int, predictor: int) -> None:
    """PS3.5 A.4.2: a modality may choose any of the seven (ITU-T T.81 table H.1)."""
    chance = np.random.default_rng(bits * 10 + predictor)
    pixels = chance.integers(0, 2**bits, (48, 31)).astype(np.uint8 if bits == 8 else np.uint16)
    data_set = image(pixels)
    data_set.BitsStored, data_set.HighBit = bits, bits - 1
    data_set.PixelData = encapsulate([bytes(imagecodecs.ljpeg_encode(pixels, bitspersample=bits)
        if predictor == 1 else imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=predictor, bitspersample=bits))])  # fmt: skip
    data_set["PixelData"].VR, data_set["PixelData"].is_undefined_length = "OB", True
    assert np.array_equal(frames(part10_of(data_set, UID("1.2.840.10008.1.2.4.57")))[0], pixels)


def test_jpeg_under_the_uid_of_jpeg_ls_is_read() -> None:
    wave = np.arange(64, dtype=np.uint8).reshape(8, 8)
    data_set = image(wave)
    data_set.PixelData = encapsulate([bytes(imagecodecs.jpeg8_encode(wave, lossless=True))])
    data_set["PixelData"].VR, data_set["PixelData"].is_undefined_length = "OB", True
    assert np.array_equal(frames(part10_of(data_set, UID("1.2.840.10008.1.2.4.80")))[0], wave)


def test_who_failed_is_said_when_nobody_can_read_it() -> None:
    data_set = image(np.arange(64, dtype=np.uint8).reshape(8, 8))
    beginning = bytes(imagecodecs.jpeg8_encode(np.zeros((8, 8), np.uint8)))
    data_set.PixelData = encapsulate([beginning[: beginning.index(b"\xff\xda")] + b"\xff\xda no picture at all"])
    data_set["PixelData"].VR, data_set["PixelData"].is_undefined_length = "OB", True
    with pytest.raises(PixelError) as refused:
        frames(part10_of(data_set, UID("1.2.840.10008.1.2.4.50")))
    for name in ("pillow", "imagecodecs JPEG", "imagecodecs JPEG-LS"):
        assert name in str(refused.value)


def test_the_next_decoder_reads_on_and_the_log_says_who_failed(caplog: pytest.LogCaptureFixture) -> None:
    """JPEG-LS under the UID of baseline JPEG, as some gateways send it."""
    wave = np.arange(64, dtype=np.uint8).reshape(8, 8)
    data_set = image(wave)
    data_set.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(wave))])
    data_set["PixelData"].VR, data_set["PixelData"].is_undefined_length = "OB", True
    with caplog.at_level(logging.INFO, "dicom_gateway.pixels.codecs"):
        assert np.array_equal(frames(part10_of(data_set, UID("1.2.840.10008.1.2.4.50")))[0], wave)
    assert "; read by " in caplog.text
    assert "pillow: cannot identify" in caplog.text


def test_a_frame_of_another_size_than_promised_is_refused() -> None:
    data_set = image(np.zeros((8, 8), np.uint8))
    data_set.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(np.zeros((4, 4), np.uint8)))])
    data_set["PixelData"].VR, data_set["PixelData"].is_undefined_length = "OB", True
    with pytest.raises(PixelError, match="is not decoded"):
        frames(part10_of(data_set, UID("1.2.840.10008.1.2.4.80")))


def test_video_is_refused_in_words() -> None:
    data_set = image(np.zeros((8, 8), np.uint8))
    data_set.PixelData = encapsulate([b"\0\0\1\xb3"])
    data_set["PixelData"].VR, data_set["PixelData"].is_undefined_length = "OB", True
    with pytest.raises(PixelError, match="video"):
        frames(part10_of(data_set, UID("1.2.840.10008.1.2.4.102")))
