"""DICOM whole-slide images: frames find their places, whatever the tables say."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import openslide
import pytest

import pathology
from pathology.errors import Refusal
from tests.pathology.made_dicom import SIDE, in_fragments, slide, sparse
from tests.pathology.made_tiff import jpeg, shrunk, tiles_of, tissue
from tests.pathology.real_files import SLIDES, needs_real_slides

PICTURE = tissue(700, 500)
FRAMES = [jpeg(tile) for tile in tiles_of(PICTURE, SIDE)]


def opened(folder: Path, *contents: bytes) -> pathology.Slide:
    for number, content in enumerate(contents):
        (folder / f"{number}.dcm").write_bytes(content)
    return pathology.open_slide(folder / "0.dcm")


def looks_right(found: pathology.Slide, picture: np.ndarray = PICTURE) -> bool:
    seen = found.region(0, 0, 0, picture.shape[1], picture.shape[0])
    return bool(np.abs(seen.astype(int) - picture).mean() < 4)


def test_tiled_full(tmp_path: Path) -> None:
    with opened(tmp_path, slide(PICTURE, FRAMES)) as found:
        assert (found.format, found.mpp, found.mpp_source, found.objective) == ("DICOM", 0.25, "dicom-pixel-spacing", 40)
        assert looks_right(found)
        assert found.tile(0, 1, 1) == FRAMES[4].ljust(len(FRAMES[4]) + len(FRAMES[4]) % 2, b"\0")


def test_sparse_frames_lie_where_they_say(tmp_path: Path) -> None:
    with opened(tmp_path, sparse(PICTURE, [5, 3, 0, 4, 1])) as found:
        assert found.levels[0].missing == 1
        for number in (5, 3, 0, 4, 1):
            np.testing.assert_allclose(
                found.pixels(0, number % 3, number // 3)[:200, :180], tiles_of(PICTURE, SIDE)[number][:200, :180], atol=60
            )
        assert (found.pixels(0, 2, 0) == 255).all()


def test_frames_between_the_places_of_tiles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(pathology.UnreadableSlide, match="no place of a tile"):
        opened(tmp_path, sparse(PICTURE, [0, 1], shift=7))


@pytest.mark.parametrize("table", [True, False])
def test_frames_in_several_fragments(table: bool, tmp_path: Path) -> None:
    with opened(tmp_path, slide(PICTURE, FRAMES, pixel_data=in_fragments(FRAMES, table))) as found:
        assert looks_right(found)


@pytest.mark.parametrize("wrong", ["shifted", "short", "huge", "reversed"])
def test_an_extended_offset_table_is_believed_only_where_items_begin(wrong: str, tmp_path: Path) -> None:
    offsets, at = [], 0
    for frame in FRAMES:
        offsets.append(at)
        at += 8 + len(frame) + len(frame) % 2
    offsets = {"shifted": [each + 2 for each in offsets], "short": offsets[:3], "huge": [1 << 60] * 6, "reversed": offsets[::-1]}[wrong]
    lengths = struct.pack("<6Q", *(len(frame) for frame in FRAMES))
    table = struct.pack(f"<{len(offsets)}Q", *offsets)
    with opened(tmp_path, slide(PICTURE, FRAMES, ExtendedOffsetTable=table, ExtendedOffsetTableLengths=lengths)) as found:
        assert looks_right(found)


def test_levels_of_a_series_are_found_beside_the_file(tmp_path: Path) -> None:
    coarse = shrunk(PICTURE, 4)
    other = slide(PICTURE, number=9, SeriesInstanceUID="9.9")
    with opened(
        tmp_path, slide(PICTURE, FRAMES), slide(coarse, number=2), other, b"no dicom", slide(coarse, flavour="LABEL", number=3)
    ) as found:
        assert [(level.width, level.height) for level in found.levels] == [(700, 500), (175, 125)]
        assert [each.name for each in found.associated] == ["label"]
        assert looks_right(found)
    with pathology.open_slide(tmp_path / "2.dcm") as found:
        assert len(found.levels) == 1


def test_a_concatenation_is_one_level(tmp_path: Path) -> None:
    shared = {"ConcatenationUID": "1.2.9", "InConcatenationTotalNumber": 2}
    first = slide(PICTURE, FRAMES[:4], number=1, InConcatenationNumber=1, ConcatenationFrameOffsetNumber=0, **shared)
    second = slide(PICTURE, FRAMES[4:], number=2, InConcatenationNumber=2, ConcatenationFrameOffsetNumber=4, **shared)
    (tmp_path / "both").mkdir()
    (tmp_path / "one").mkdir()
    with opened(tmp_path / "both", second, first) as found:
        assert len(found.levels) == 1
        assert looks_right(found)
    with pytest.raises(pathology.UnreadableSlide, match="1 of 2 parts"):
        opened(tmp_path / "one", first)


def test_a_coarser_level_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    coarse = slide(shrunk(PICTURE, 4), number=2, TotalPixelMatrixColumns=600)
    with opened(tmp_path, slide(PICTURE, FRAMES), coarse) as found:
        assert [level.width for level in found.levels] == [700]
        assert found.notes[0].startswith("A coarser level is left out")


def test_native_frames(tmp_path: Path) -> None:
    tiles = tiles_of(PICTURE, SIDE)
    for number, (frames, planar) in enumerate(
        [([each.tobytes() for each in tiles], 0), ([np.moveaxis(each, 2, 0).tobytes() for each in tiles], 1)]
    ):
        (tmp_path / str(number)).mkdir()
        content = slide(PICTURE, frames, "1.2.840.10008.1.2.1", PhotometricInterpretation="RGB", PlanarConfiguration=planar)
        with opened(tmp_path / str(number), content) as found:
            np.testing.assert_array_equal(found.region(0, 0, 0, 700, 500), PICTURE)


def test_native_frames_of_twelve_bits(tmp_path: Path) -> None:
    frames = [(tile[..., :1].astype("<u2") << 4).tobytes() for tile in tiles_of(PICTURE, SIDE)]
    grey = {"PhotometricInterpretation": "MONOCHROME2", "SamplesPerPixel": 1, "PlanarConfiguration": None}
    content = slide(PICTURE, frames, "1.2.840.10008.1.2.1", BitsAllocated=16, BitsStored=12, HighBit=11, **grey)
    with opened(tmp_path, content) as found:
        np.testing.assert_array_equal(found.region(0, 0, 0, 700, 500)[..., 0], PICTURE[..., 0])


@pytest.mark.parametrize(
    ("interpretation", "frames"),
    [
        ("RGB", [jpeg(tile, subsampling="420") for tile in tiles_of(PICTURE, SIDE)]),
        ("RGB", [jpeg(tile, rgb=True) for tile in tiles_of(PICTURE, SIDE)]),
        ("YBR_FULL", FRAMES),
    ],
)
def test_colours_are_those_of_the_code_stream(interpretation: str, frames: list[bytes], tmp_path: Path) -> None:
    with opened(tmp_path, slide(PICTURE, frames, PhotometricInterpretation=interpretation)) as found:
        assert looks_right(found)


def test_of_several_planes_the_first_is_shown(tmp_path: Path) -> None:
    others = [jpeg(tile) for tile in tiles_of(255 - PICTURE, SIDE)]
    content = slide(PICTURE, [*FRAMES, *others], TotalPixelMatrixFocalPlanes=2)
    with opened(tmp_path, content) as found:
        assert found.focal_planes == 2
        assert looks_right(found)
        assert "first" in found.notes[0]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (slide(PICTURE, FRAMES, TotalPixelMatrixColumns=500), Refusal.CONTRADICTION),
        (slide(PICTURE, FRAMES[:5]), Refusal.CONTRADICTION),
        (slide(PICTURE, FRAMES, TotalPixelMatrixColumns=4_000_000, TotalPixelMatrixRows=4_000_000), Refusal.TOO_LARGE),
        (slide(PICTURE, FRAMES, NumberOfFrames=30), Refusal.CONTRADICTION),
        (slide(PICTURE, FRAMES, SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), Refusal.NOT_SUPPORTED),
        (slide(PICTURE, FRAMES, BitsAllocated=16), Refusal.NOT_SUPPORTED),
        (slide(PICTURE, FRAMES, PixelData=None), Refusal.NO_PICTURE),
        (slide(PICTURE, FRAMES, flavour="OVERVIEW"), Refusal.NO_PICTURE),
        (slide(PICTURE, FRAMES)[:-3000], Refusal.CUT_OFF),
        (slide(PICTURE, FRAMES)[:600], Refusal.DAMAGED),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_of_which_kind_it_is(content: bytes, refusal: Refusal, tmp_path: Path) -> None:
    with pytest.raises(pathology.UnreadableSlide) as caught:
        opened(tmp_path, content)
    assert caught.value.refusal in (refusal, Refusal.NO_PICTURE if refusal is Refusal.DAMAGED else refusal)


@pytest.mark.parametrize(("spacing", "mpp"), [(0.00025, 0.25), (0.3528, None), (None, None)])
def test_pixel_spacing_or_none(spacing: float | None, mpp: float | None, tmp_path: Path) -> None:
    with opened(tmp_path, slide(PICTURE, FRAMES, spacing=spacing, ImagedVolumeWidth=0.175)) as found:
        assert found.mpp == mpp


def test_pixels_are_those_of_openslide(tmp_path: Path) -> None:
    (tmp_path / "0.dcm").write_bytes(slide(PICTURE, number=1, FrameOfReferenceUID="1.2.7", ContainerIdentifier="c"))
    reference = openslide.OpenSlide(tmp_path / "0.dcm")
    with pathology.open_slide(tmp_path / "0.dcm") as found:
        theirs = np.asarray(reference.read_region((0, 0), 0, (700, 500)))[..., :3]
        np.testing.assert_array_equal(found.region(0, 0, 0, 700, 500), theirs)


@needs_real_slides
def test_real_objects() -> None:
    with pathology.open_slide(SLIDES / "sm_image.dcm") as found:
        assert (found.width, found.height, found.mpp) == (50, 50, pytest.approx(0.499))
        assert found.region(0, 0, 0, 50, 50).std() > 1
    with pathology.open_slide(SLIDES / "openslide_boxes_0.dcm") as found:
        assert (found.width, found.height, found.objective) == (16, 16, 20)
