"""Deep Zoom: sizes as OpenSlide's, whole tiles as they are stored, edges cropped, levels in between drawn."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import openslide
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openslide.deepzoom import DeepZoomGenerator
from PIL import Image

import pathology
from pathology.jpeg.codestream import read_code_stream
from pathology.jpeg.colour import splice
from pathology.source import BytesSource
from tests.pathology.made_dicom import slide as dicom
from tests.pathology.made_tiff import coded_page, jpeg_page, pyramid, strip_page, svs, tiff, tissue
from tests.pathology.real_files import SLIDES, needs_real_slides

PICTURE = tissue(700, 500)


def seen(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


@settings(max_examples=40)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([16, 32]))
def test_every_tile_of_any_size_of_slide_is_there_and_of_the_right_size(width: int, height: int, side: int) -> None:
    page = coded_page(tissue(width, height), 1, side)
    with pathology.open_source(BytesSource(tiff(page))) as slide:
        zoom = pathology.DeepZoom(slide)
        assert zoom.dimensions(zoom.level_count - 1) == (width, height)
        assert zoom.dimensions(0) == (1, 1)
        for level in range(zoom.level_count):
            columns, rows = zoom.tiles(level)
            total = np.zeros(2, int)
            for row in range(rows):
                for column in range(columns):
                    shape = seen(zoom.tile(level, column, row)).shape
                    assert (shape[1], shape[0]) == zoom.tile_dimensions(level, column, row)
                    total += (shape[1] * (row == 0), shape[0] * (column == 0))
            assert tuple(total) == zoom.dimensions(level)


@pytest.mark.parametrize("kind", ["svs", "generic", "own tables", "dicom"])
def test_whole_tiles_are_the_stored_bytes(kind: str, tmp_path: Path) -> None:
    made = {"svs": svs(PICTURE), "generic": pyramid(PICTURE), "own tables": tiff(jpeg_page(PICTURE, tables=False)), "dicom": dicom(PICTURE)}
    content = made[kind]
    with pathology.open_source(BytesSource(content)) as slide:
        zoom = pathology.DeepZoom(slide)
        finest = zoom.level_count - 1
        coding = slide.levels[0].coding
        assert coding is not None
        for column in (0, 1):
            (place,) = zoom.places(finest, column, 0)
            stored = content[place.offset : place.offset + place.length]
            assert zoom.tile(finest, column, 0) == splice(stored, coding.prefix) == slide.passed_on(0, stored)
            assert stored[2:] in zoom.tile(finest, column, 0)
        assert zoom.places(finest, 2, 0) == ()


def test_rgb_tiles_say_so_by_an_adobe_marker() -> None:
    with pathology.open_source(BytesSource(svs(PICTURE))) as slide:
        tile = pathology.DeepZoom(slide).tile(10, 0, 0)
        assert read_code_stream(tile).adobe == 0
        assert np.abs(seen(tile) - PICTURE[:256, :256]).mean() < 4
    with pathology.open_source(BytesSource(pyramid(PICTURE))) as slide:
        tile = pathology.DeepZoom(slide).tile(10, 0, 0)
        assert read_code_stream(tile).adobe is None
        assert np.abs(seen(tile) - PICTURE[:256, :256]).mean() < 4


def check_against_openslide(path: Path) -> None:
    source = openslide.OpenSlide(path)
    with pathology.open_slide(path) as slide:
        zoom = pathology.DeepZoom(slide)
        theirs = DeepZoomGenerator(source, zoom.tile_size, 0, limit_bounds=False)
        assert zoom.level_count == theirs.level_count
        assert [zoom.dimensions(level) for level in range(zoom.level_count)] == list(theirs.level_dimensions)
        assert [zoom.tiles(level) for level in range(zoom.level_count)] == list(theirs.level_tiles)
        finest = zoom.level_count - 1
        columns, rows = zoom.tiles(finest)
        for row in range(rows):
            for column in range(columns):
                ours = seen(zoom.tile(finest, column, row))
                reference = np.asarray(theirs.get_tile(finest, (column, row)).convert("RGB"), int)
                assert ours.shape == reference.shape
                if zoom.places(finest, column, row):
                    np.testing.assert_array_equal(ours, reference)
                else:
                    assert np.abs(ours - reference).mean() < 2


@pytest.mark.parametrize("content", [svs(PICTURE), pyramid(PICTURE)], ids=["svs", "generic"])
def test_tiles_are_those_of_openslide(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.svs").write_bytes(content)
    check_against_openslide(tmp_path / "x.svs")


@needs_real_slides
def test_tiles_of_a_real_slide_are_those_of_openslide() -> None:
    check_against_openslide(SLIDES / "CMU-1-Small-Region.svs")


def test_levels_in_between_look_like_the_picture_made_smaller() -> None:
    with pathology.open_source(BytesSource(pyramid(PICTURE, factors=(4,)))) as slide:
        zoom = pathology.DeepZoom(slide)
        for level, factor in ((zoom.level_count - 2, 2), (zoom.level_count - 4, 8)):
            width, height = zoom.dimensions(level)
            expected = np.asarray(Image.fromarray(PICTURE).resize((width, height), Image.Resampling.BOX), int)
            drawn = np.zeros_like(expected)
            for row in range(zoom.tiles(level)[1]):
                for column in range(zoom.tiles(level)[0]):
                    tile = seen(zoom.tile(level, column, row))
                    drawn[row * 256 : row * 256 + tile.shape[0], column * 256 : column * 256 + tile.shape[1]] = tile
            assert np.abs(drawn - expected).mean() < 5, factor


def test_strips_are_cut_into_tiles() -> None:
    with pathology.open_source(BytesSource(tiff(strip_page(PICTURE)))) as slide:
        zoom = pathology.DeepZoom(slide)
        assert zoom.tile_size == 512
        assert zoom.places(10, 0, 0) == ()
        np.testing.assert_allclose(zoom.pixels(10, 1, 0), PICTURE[:500, 512:])


def test_too_much_work_for_one_tile_is_not_begun() -> None:
    page = coded_page(np.zeros((64, 64, 3), np.uint8), 8, 64)
    huge = type(page)(page.fields, [page.pieces[0]] + [b""] * (160 * 160 - 1)).but(t256=64 * 160, t257=64 * 160)
    with pathology.open_source(BytesSource(tiff(huge))) as slide:
        zoom = pathology.DeepZoom(slide)
        with pytest.raises(pathology.LevelMissing, match="no level near 1 x 1"):
            zoom.tile(0, 0, 0)
        assert seen(zoom.tile(zoom.level_count - 3, 0, 0)).shape == (64, 64, 3)


@pytest.mark.parametrize("address", [(11, 0, 0), (-1, 0, 0), (10, 3, 0), (10, 0, 2), (10, -1, 0), (10, 99_999_999, 0), (0, 1, 0)])
def test_what_is_not_there_does_not_exist(address: tuple[int, int, int]) -> None:
    with pathology.open_source(BytesSource(svs(PICTURE))) as slide, pytest.raises(pathology.NoSuchTile):
        pathology.DeepZoom(slide).tile(*address)


def test_the_descriptor_is_dzi() -> None:
    with pathology.open_source(BytesSource(svs(PICTURE))) as slide:
        text = pathology.DeepZoom(slide).descriptor().decode()
    assert 'Width="700"' in text
    assert 'Height="500"' in text
    assert 'TileSize="256"' in text
    assert 'Overlap="0"' in text
    assert 'Format="jpeg"' in text
