"""Rendered pictures against the formulas of PS3.3 C.11 and pydicom's processing."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless

from dicom_gateway.pixels import PixelError, Window
from tests.dicom_gateway.objects import part10_of
from tests.dicom_gateway.pixels.pictured import drawn, frames, image

RAMP = np.arange(-1024, 1024, 8, dtype=np.int16).reshape(16, 16)


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.uint8, np.int8, np.int32, np.uint32])
def test_without_a_window_the_full_range_is_drawn_whatever_the_type(kind: type) -> None:
    low = -100 if np.dtype(kind).kind == "i" else 0
    pixels = np.linspace(low, 120, 64).astype(kind).reshape(8, 8)
    picture = drawn(image(pixels))
    assert (picture[0, 0], picture[-1, -1]) == (0, 255)
    assert (np.diff(picture.ravel().astype(int)) >= 0).all()


def test_the_window_of_the_object_and_its_rescale_give_the_standards_values() -> None:
    data_set = image(RAMP, WindowCenter="40", WindowWidth="400", RescaleSlope="2", RescaleIntercept="-10")
    expected = np.clip(((RAMP * 2.0 - 10) - 39.5) / 399 + 0.5, 0, 1) * 255
    assert np.abs(drawn(data_set) - expected).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(("function", "expected"), [
    ("LINEAR", lambda x: np.clip((x - 39.5) / 399 + 0.5, 0, 1)),
    ("LINEAR_EXACT", lambda x: np.clip((x - 40) / 400 + 0.5, 0, 1)),
    ("SIGMOID", lambda x: 1 / (1 + np.exp(-4 * (x - 40) / 400))),
])  # fmt: skip
def test_each_voi_function(function: str, expected: object) -> None:
    data_set = image(RAMP, WindowCenter="40", WindowWidth="400", VOILUTFunction=function)
    wanted = expected(RAMP.astype(float)) * 255  # type: ignore[operator]  # a function of the table above
    assert np.abs(drawn(data_set) - wanted).max() <= 0.5 + 1e-9


def test_a_window_asked_for_wins_and_the_first_of_several_is_the_default() -> None:
    data_set = image(RAMP, WindowCenter=["0", "500"], WindowWidth=["100", "50"])
    assert (drawn(data_set) == drawn(data_set, Window(0, 100))).all()
    assert (drawn(data_set, Window(500, 50)) != drawn(data_set)).any()


def test_a_width_of_one_is_a_threshold() -> None:
    assert set(np.unique(drawn(image(RAMP), Window(0, 1)))) == {0, 255}


def test_monochrome1_is_inverted() -> None:
    plain = drawn(image(RAMP, WindowCenter="0", WindowWidth="900"))
    inverted = drawn(image(RAMP, WindowCenter="0", WindowWidth="900", PhotometricInterpretation="MONOCHROME1"))
    assert (plain == 255 - inverted).all()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("padding", [-2000, 63536])  # the second is the first with the sign that some writers give it
def test_padding_is_black_and_does_not_stretch_the_range(photometric: str, padding: int) -> None:
    pixels = RAMP.copy()
    pixels[:4] = -2000
    data_set = image(pixels, PhotometricInterpretation=photometric)
    data_set.add_new("PixelPaddingValue", "SS" if padding < 0 else "US", padding)
    picture = drawn(data_set)
    assert (picture[:4] == 0).all()
    assert (picture[4:] == drawn(image(RAMP[4:], PhotometricInterpretation=photometric))).all()


def test_a_range_of_padding() -> None:
    data_set = image(RAMP)
    data_set.add_new("PixelPaddingValue", "SS", -1024)
    data_set.add_new("PixelPaddingRangeLimit", "SS", -800)
    assert (drawn(data_set)[RAMP <= -800] == 0).all()


def _lut(entries: list[int], first: int, bits: int, vr: str = "US") -> Sequence:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", vr, entries if vr == "US" else np.array(entries, "<u2").tobytes())
    return Sequence([item])


@pytest.mark.parametrize("vr", ["US", "OW"])
def test_a_voi_table_comes_before_the_window(vr: str) -> None:
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    curve = [min(4095, (n * n) // 10) for n in range(200)]
    data_set = image(pixels, WindowCenter="5", WindowWidth="5", VOILUTSequence=_lut(curve, 20, 12, vr))
    expected = np.array(curve)[np.clip(pixels.astype(int) - 20, 0, 199)] * (255 / 4095)
    assert np.abs(drawn(data_set) - expected).max() <= 0.5 + 1e-9


def test_a_modality_table_replaces_the_rescale() -> None:
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    data_set = image(pixels, WindowCenter="500", WindowWidth="1000", ModalityLUTSequence=_lut(list(range(1000, 0, -5)), 0, 16))
    data_set.ModalityLUTSequence[0].ModalityLUTType = "US"
    assert (np.diff(drawn(data_set).ravel().astype(int)) <= 0).all()


@pytest.mark.parametrize("name", ["mlut_18.dcm", "vlut_04.dcm"])
def test_public_files_with_tables_agree_with_pydicom(dicom_folder: Path, name: str) -> None:
    data_set = dcmread(dicom_folder / name)
    units = apply_voi_lut(apply_modality_lut(data_set.pixel_array, data_set), data_set).astype(float)
    if "VOILUTSequence" in data_set:
        expected = units / (2 ** data_set.VOILUTSequence[0].LUTDescriptor[2] - 1) * 255
    else:
        expected = (units - units.min()) / np.ptp(units) * 255
    if data_set.PhotometricInterpretation == "MONOCHROME1":
        expected = 255 - expected
    assert np.abs(drawn((dicom_folder / name).read_bytes()) - expected).max() <= 1.0


@pytest.mark.parametrize("name", ["OBXXXX1A.dcm", "OBXXXX1A_expb.dcm", "gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm"])
def test_public_palettes_agree_with_pydicom(dicom_folder: Path, name: str) -> None:
    # The little-endian twin: pydicom 3.0 reads big-endian palettes in the wrong order.
    data_set = dcmread(dicom_folder / name.replace("_expb", "").replace("_big", ""))
    expected = apply_color_lut(data_set.pixel_array, data_set)
    expected = expected >> 8 if expected.dtype.itemsize == 2 else expected
    assert (drawn((dicom_folder / name).read_bytes()) == expected).all()


def test_native_ybr_is_drawn_as_rgb(dicom_folder: Path) -> None:
    rgb, ybr = (drawn((dicom_folder / name).read_bytes()).astype(int) for name in ("SC_rgb.dcm", "SC_ybr_full_uncompressed.dcm"))
    assert np.abs(rgb - ybr).max() <= 6  # rounding of eight-bit chroma


def test_half_the_chroma() -> None:
    data_set = image(np.full((2, 4, 3), 7, np.uint8), PhotometricInterpretation="YBR_FULL_422")
    data_set.PixelData = bytes([76, 76, 85, 255] * 4)  # Y Y CB CR: red (PS3.3 C.7.6.3.1.2)
    assert np.abs(drawn(data_set).astype(int) - [254, 0, 0]).max() <= 2


def test_sixteen_bit_colour_uses_its_own_range() -> None:
    pixels = np.zeros((2, 2, 3), np.uint16)
    pixels[0, 0] = [65535, 32768, 0]
    assert drawn(image(pixels))[0, 0].tolist() == [255, 128, 0]


def test_colours_beside_grey_values() -> None:
    pixels = np.array([[0, 100, 200, 201]], np.uint16).repeat(2, 0)
    data_set = image(pixels, WindowCenter="100", WindowWidth="200", PixelPresentation="COLOR")
    for n, colour in enumerate(("Red", "Green", "Blue")):
        data_set.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [2, 200, 16])
        data_set.add_new(
            f"{colour}PaletteColorLookupTableData", "OW", np.array([0xFF00 if n == 0 else 0, 0xFF00 if n == 2 else 0], "<u2").tobytes()
        )
    assert drawn(data_set)[0, 2:].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert len(set(drawn(data_set)[0, 1].tolist())) == 1


def test_per_frame_rescale_and_window_are_those_of_the_frame() -> None:
    frames = np.stack([np.arange(4, dtype=np.uint16).reshape(2, 2) * 100] * 2)
    data_set = image(frames[0], NumberOfFrames=2, PixelData=frames.tobytes())
    groups = []
    for slope in (1, 2):
        values, voi, group = Dataset(), Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept = slope, 0
        voi.WindowCenter, voi.WindowWidth = 300, 600
        group.PixelValueTransformationSequence, group.FrameVOILUTSequence = Sequence([values]), Sequence([voi])
        groups.append(group)
    data_set.PerFrameFunctionalGroupsSequence = Sequence(groups)
    first, second = drawn(data_set), drawn(data_set, frame=2)
    assert np.abs(second.astype(int) - 2 * first.astype(int)).max() <= 2
    assert second[1, 1] == 255


def _overlay(data_set: Dataset, plane: np.ndarray, origin: tuple[int, int], kind: str = "G") -> Dataset:
    for element, vr, value in ((0x10, "US", plane.shape[0]), (0x11, "US", plane.shape[1]), (0x40, "CS", kind), (0x50, "SS", list(origin)),
                               (0x100, "US", 1), (0x102, "US", 0)):  # fmt: skip
        data_set.add_new((0x6000, element), vr, value)
    packed = np.packbits(plane.astype(np.uint8).ravel(), bitorder="little").tobytes()
    data_set.add_new((0x6000, 0x3000), "OW", packed + b"\0" * (len(packed) % 2))
    return data_set


@pytest.mark.parametrize("origin", [(1, 1), (3, 5), (-2, 0), (15, 15), (40, 40)])
def test_graphic_overlays_lie_where_their_origin_says(origin: tuple[int, int]) -> None:
    plane = np.ones((4, 4), bool)
    expected = drawn(image(RAMP)).copy()
    for row in range(4):
        for column in range(4):
            at = (row + origin[0] - 1, column + origin[1] - 1)
            if 0 <= at[0] < 16 and 0 <= at[1] < 16:
                expected[at] = 255
    assert (drawn(_overlay(image(RAMP), plane, origin)) == expected).all()


def test_regions_of_interest_are_not_drawn() -> None:
    assert (drawn(_overlay(image(RAMP), np.ones((4, 4), bool), (1, 1), "R")) == drawn(image(RAMP))).all()


def test_floating_point_pixels_with_holes(dicom_folder: Path) -> None:
    picture = drawn((dicom_folder / "parametric_map_float.dcm").read_bytes())
    assert picture.min() == 0
    assert picture.max() == 255


def test_single_bits_are_black_and_white(dicom_folder: Path) -> None:
    for name in ("liver.dcm", "liver_nonbyte_aligned.dcm", "liver_rle.dcm", "liver_deflate.dcm"):
        assert set(np.unique(drawn((dicom_folder / name).read_bytes(), frame=2))) == {0, 255}


@pytest.mark.parametrize("attributes", [
    {"PhotometricInterpretation": "PALETTE COLOR"}, {"Rows": 0}, {"WindowCenter": "40", "WindowWidth": "0"}, {"Rows": 60000, "Columns": 60000},
])  # fmt: skip
def test_contradictory_objects_are_drawn_or_refused_in_words(attributes: dict[str, object]) -> None:
    data_set = image(RAMP)
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    part10 = part10_of(data_set)
    try:
        assert drawn(part10).shape == (16, 16)
    except (PixelError, AssertionError):
        assert "WindowWidth" not in attributes  # a width of nothing falls back to the full range


@pytest.mark.parametrize(
    ("width", "expected"), [(0.5, [0, 128, 255]), (0.999, [64, 128, 191]), (1, [255, 255, 255]), (1.001, [255, 255, 255])]
)
def test_a_linear_window_narrower_than_one_is_an_exact_one(width: float, expected: list[int]) -> None:
    """PS3.3 C.11.2.1.2.1 wants at least 1; doses and activities have slopes so small that all of their values lie within it."""
    made = image(np.array([[0, 1, 2]], np.uint16), RescaleSlope="0.25", RescaleIntercept="0", WindowCenter="0.25", WindowWidth=str(width))
    assert drawn(made)[0].tolist() == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("stored", [12, 16])
def test_a_signed_stream_under_an_unsigned_header_is_read_as_signed(stored: int) -> None:
    values = np.array([[-2048, -1, 0, 2047] * 16] * 16, np.int16)
    stream = imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k", reversible=True, bitspersample=stored)
    made = image(values.view(np.uint16), BitsStored=stored, HighBit=stored - 1, PixelRepresentation=0, WindowCenter="0", WindowWidth="4096")
    made.PixelData = encapsulate([stream])
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    content = part10_of(made, JPEG2000Lossless)
    assert frames(content)[0].view(np.int16).tolist() == values.tolist()
    assert drawn(content)[0, :4].tolist() == [0, 127, 128, 255]
