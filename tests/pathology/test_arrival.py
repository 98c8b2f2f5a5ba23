"""A slide that opens while it arrives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pathology
from pathology.arrival import order_of_use, share_here, tile_is_here
from pathology.source import ArrivingSource, BytesSource
from tests.pathology.made_dicom import slide as dicom
from tests.pathology.made_tiff import coded_page, described, jpeg_page, leica, ome, philips, pyramid, shrunk, svs, tiff, tissue

PICTURE = tissue(1000, 800)
MADE: Mapping[str, bytes] = {
    "svs": svs(PICTURE, 128),
    "svs of YCbCr": svs(PICTURE, 128, rgb=False),
    "generic": pyramid(PICTURE, 128),
    "ome": ome(PICTURE, side=128),
    "philips": philips(PICTURE, 128),
    "leica": leica(PICTURE, 128),
    "lzw": tiff(coded_page(PICTURE, 5, 128, t270=described(PICTURE)), coded_page(shrunk(PICTURE, 4), 5, 128)),
    "dicom": dicom(PICTURE),
}


@pytest.mark.parametrize("name", MADE)
def test_pieces_are_the_file_each_byte_once(name: str) -> None:
    with pathology.open_source(BytesSource(MADE[name])) as slide:
        pieces = sorted(order_of_use(slide), key=lambda piece: piece.offset)
    reached = 0
    for piece in pieces:
        assert piece.offset == reached
        assert piece.length > 0
        reached += piece.length
    assert reached == len(MADE[name])


@pytest.mark.parametrize("name", [name for name in MADE if name != "dicom"])
def test_it_opens_with_its_directories_and_shows_what_has_come(name: str) -> None:
    content = MADE[name]
    with pathology.open_source(BytesSource(content)) as whole:
        pieces = order_of_use(whole)
        levels = [piece.level for piece in pieces if piece.level is not None]
        assert levels == sorted(levels, reverse=True)
        source = ArrivingSource(BytesSource(content), len(content))
        with pytest.raises(pathology.NotArrived):
            pathology.open_source(source)
        for piece in pieces:
            source.arrived(piece.offset, piece.length)
            if piece.level is None:
                continue
            with pathology.open_source(source) as early:
                assert [(level.width, level.height) for level in early.levels] == [(level.width, level.height) for level in whole.levels]
                check_what_is_here(early, whole, source)
        assert source.here == len(content)
        assert [share_here(whole, source, number) for number in range(len(whole.levels))] == [1.0] * len(whole.levels)


def check_what_is_here(early: pathology.Slide, whole: pathology.Slide, source: ArrivingSource) -> None:
    for number, level in enumerate(early.levels):
        for row in range(level.rows):
            for column in range(level.columns):
                if tile_is_here(early, source, number, column, row):
                    np.testing.assert_array_equal(early.pixels(number, column, row), whole.pixels(number, column, row))
                else:
                    with pytest.raises(pathology.NotArrived):
                        early.tile(number, column, row)


def test_coarse_tiles_of_deep_zoom_come_first() -> None:
    content = MADE["svs"]
    with pathology.open_source(BytesSource(content)) as whole:
        pieces = order_of_use(whole)
    source = ArrivingSource(BytesSource(content), len(content))
    for piece in pieces:
        if piece.level != 0:
            source.arrived(piece.offset, piece.length)
    with pathology.open_source(source) as early:
        zoom = pathology.DeepZoom(early)
        assert zoom.tile(zoom.level_count - 3, 0, 0)[:2] == b"\xff\xd8"
        assert zoom.tile(0, 0, 0)[:2] == b"\xff\xd8"
        with pytest.raises(pathology.NotArrived):
            zoom.tile(zoom.level_count - 1, 0, 0)
        assert share_here(early, source, 0) == 0
        assert share_here(early, source, 1) == 1


def test_tiles_beyond_the_file_are_no_pieces() -> None:
    page = jpeg_page(PICTURE, 128)
    with pathology.open_source(BytesSource(tiff(page, big=True))) as slide:
        places = [slide.places(0, column, row)[0].offset for row in range(7) for column in range(8)]
    content = tiff(page.but(t324=[*places[:50], 1 << 62, (1 << 64) - 8, *places[52:]]), big=True)
    with pathology.open_source(BytesSource(content)) as slide:
        assert slide.cut_off(0) == 2
        assert sum(piece.length for piece in order_of_use(slide)) == len(content)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=12), st.integers(0, 60), st.integers(0, 20))
def test_ranges_that_have_arrived_are_counted_once(ranges: list[tuple[int, int]], offset: int, length: int) -> None:
    source, here = ArrivingSource(BytesSource(bytes(64)), 64), set()
    for start, span in ranges:
        source.arrived(start, span)
        here |= set(range(start, min(64, start + span)))
    assert source.here == len(here)
    assert source.has(offset, length) == (set(range(offset, offset + length)) <= here)
