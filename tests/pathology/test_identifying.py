"""Names in a slide's file: label, macro and free text are found and blanked, and nothing else changes."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pathology
from pathology.identifying import blank_in_place, identifying_places
from pathology.source import BlankedSource, BytesSource
from tests.pathology.made_tiff import jpeg_page, leica, ome, philips, svs, tiff, tissue
from tests.pathology.real_files import CASES, SLIDES, needs_cases, needs_real_slides

PICTURE = tissue(420, 300)
FREE = {"t315": b"LISI19700101", "t269": b"LISI19700101", "t285": b"LISI19700101", "t700": b"<x:xmpmeta>LISI19700101</x:xmpmeta>"}
MADE = {
    "svs": svs(PICTURE, 128, **FREE),
    "generic": tiff(jpeg_page(PICTURE, 128, t270=b"slide of LISI19700101", **FREE)),
    "ome": ome(PICTURE, side=128),
    "philips": philips(PICTURE, 128),
    "leica": leica(PICTURE, 128),
}


def blanked(content: bytes) -> bytes:
    with pathology.open_source(BytesSource(content)) as slide:
        source = BlankedSource(slide.sources[0], (place.as_tuple() for place in identifying_places(slide)))
        return source.read_at(0, source.size)


@pytest.mark.parametrize("name", MADE)
def test_no_name_is_left_and_the_slide_is_the_same(name: str) -> None:
    content = MADE[name]
    clean = blanked(content)
    assert b"LISI" in content or b"TElTSTE5NzAwMTAx" in content
    assert b"LISI" not in clean
    assert base64.b64encode(b"LISI19700101") not in clean
    assert len(clean) == len(content)
    with pathology.open_source(BytesSource(content)) as before, pathology.open_source(BytesSource(clean)) as after:
        assert after.format == before.format
        assert (after.levels[0].width, len(after.levels), after.scale, after.objective) == (
            420,
            len(before.levels),
            before.scale,
            before.objective,
        )
        assert after.device.acquired == before.device.acquired
        for level in range(len(before.levels)):
            assert after.tile(level, 0, 0) == before.tile(level, 0, 0)


@pytest.mark.parametrize("name", MADE)
def test_blanking_twice_changes_nothing(name: str) -> None:
    once = blanked(MADE[name])
    assert blanked(once) == once


def test_label_strips_are_gone() -> None:
    with pathology.open_source(BytesSource(MADE["svs"])) as slide:
        label = next(each for each in slide.associated if each.name == "label")
        places = label.places
    clean = blanked(MADE["svs"])
    for place in places:
        assert set(clean[place.offset : place.offset + place.length]) == {0}


def test_blanking_in_place_is_what_the_source_showed(tmp_path: Path) -> None:
    path = tmp_path / "x.svs"
    path.write_bytes(MADE["svs"])
    with pathology.open_slide(path) as slide:
        places = identifying_places(slide)
    blank_in_place(path, places)
    assert path.read_bytes() == blanked(MADE["svs"])


@given(
    st.binary(min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9), st.integers(0, 255)), max_size=6),
    st.data(),
)
def test_a_blanked_source_reads_the_same_in_any_pieces(content: bytes, places: list[tuple[int, int, int]], data: st.DataObject) -> None:
    apart, reached = [], 0
    for offset, length, fill in sorted(places):
        if offset >= reached:
            apart.append((offset, length, fill))
            reached = offset + length
    expected = bytearray(content)
    for offset, length, fill in apart:
        for at in range(offset, min(offset + length, len(content))):
            expected[at] = fill
    source = BlankedSource(BytesSource(content), apart)
    start = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, len(content) - start))
    assert source.read_at(start, length) == bytes(expected[start : start + length])


@needs_cases
def test_the_name_of_the_strange_slide() -> None:
    content = (CASES / "names-in-description.svs").read_bytes()
    assert b"ZHANGSAN19610305" in content
    assert b"ZHANGSAN19610305" not in blanked(content)


@needs_real_slides
def test_a_real_slide_keeps_its_facts() -> None:
    clean = blanked((SLIDES / "CMU-1-Small-Region.svs").read_bytes())
    assert b"b414003d" not in clean  # its user
    with pathology.open_source(BytesSource(clean)) as slide:
        assert (slide.mpp, slide.objective, slide.device.serial) == (0.499, 20, "CPAPERIOCS")
        with pathology.open_slide(SLIDES / "CMU-1-Small-Region.svs") as before:
            np.testing.assert_array_equal(slide.region(0, 0, 0, 2220, 2967), before.region(0, 0, 0, 2220, 2967))
