"""The TIFF directory reader: what it reads, and what it does not believe."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathology.errors import Refusal, SlideError, UnreadableSlide
from pathology.limits import MAX_DIRECTORIES, MAX_FIELDS, MAX_PIXELS, MAX_SIDE, MAX_TILE_SIDE, MAX_TILES
from pathology.source import BytesSource
from pathology.tiff import tags
from pathology.tiff.directory import read_directories
from pathology.tiff.levels import level, size
from tests.pathology.made_tiff import jpeg_page, pyramid, shrunk, tiff, tissue

PICTURE = tissue(300, 200)


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def directory(*entries: bytes, following: int = 0) -> bytes:
    return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", following)


HEADER = b"II*\0" + struct.pack("<I", 8)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_directories_of_either_kind_and_order(big: bool, order: str) -> None:
    found = read_directories(BytesSource(pyramid(PICTURE, 64, big=big, order=order)))
    assert [size(each) for each in found] == [(300, 200), (150, 100), (75, 50)]
    assert level(found[0]).columns == 5
    assert found[0].number(tags.COMPRESSION) == 7


def test_sub_directories_stand_under_theirs() -> None:
    page = jpeg_page(PICTURE, 64)
    below = [jpeg_page(shrunk(PICTURE, factor), 64) for factor in (2, 4)]
    (found,) = read_directories(BytesSource(tiff(type(page)(page.fields, page.pieces, below))))
    assert [size(each) for each in found.sub_directories] == [(150, 100), (75, 50)]


def test_a_circle_of_directories_is_refused() -> None:
    content = HEADER + directory(entry(256, 4, 1, 64), following=8)
    with pytest.raises(UnreadableSlide, match="lead back") as caught:
        read_directories(BytesSource(content))
    assert caught.value.refusal is Refusal.DAMAGED


def test_more_directories_than_the_limit_are_refused() -> None:
    one = len(directory(entry(256, 4, 1, 64)))
    content = HEADER + b"".join(
        directory(entry(256, 4, 1, 64), following=8 + one * (number + 1)) for number in range(MAX_DIRECTORIES + 1)
    )  # fmt: skip
    with pytest.raises(UnreadableSlide, match=f"more than {MAX_DIRECTORIES} directories"):
        read_directories(BytesSource(content + bytes(64)))


@pytest.mark.parametrize(("count", "refused"), [(MAX_FIELDS, False), (MAX_FIELDS + 1, True)])
def test_fields_of_a_directory_are_bounded(count: int, refused: bool) -> None:
    content = HEADER + directory(*(entry(1000 + number, 4, 1, 0) for number in range(count)))
    if refused:
        with pytest.raises(UnreadableSlide, match=f"at most {MAX_FIELDS}"):
            read_directories(BytesSource(content))
    else:
        assert len(read_directories(BytesSource(content))[0].fields) == count


def test_a_value_that_passes_the_end_is_not_read() -> None:
    (found,) = read_directories(BytesSource(HEADER + directory(entry(324, 4, 1000, 20))))
    with pytest.raises(UnreadableSlide, match="the file ends at byte"):
        found.numbers(tags.TILE_OFFSETS, MAX_TILES)


def test_nothing_is_allocated_from_a_declared_number() -> None:
    content = HEADER + directory(
        entry(256, 4, 1, 1_000_000), entry(257, 4, 1, 100_000), entry(258, 3, 1, 8), entry(259, 3, 1, 7), entry(322, 4, 1, 256),
        entry(323, 4, 1, 256), entry(324, 4, 1_527_637, 200), entry(325, 4, 1_527_637, 200),
    )  # fmt: skip
    (found,) = read_directories(BytesSource(content + bytes(4096)))
    tracemalloc.start()
    with pytest.raises(UnreadableSlide) as caught:
        level(found)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    assert caught.value.refusal is Refusal.CUT_OFF


@pytest.mark.parametrize(
    ("width", "height", "refused"),
    [
        (MAX_SIDE, 1, False),
        (MAX_SIDE + 1, 1, True),
        (MAX_SIDE, MAX_PIXELS // MAX_SIDE, False),
        (MAX_SIDE, MAX_PIXELS // MAX_SIDE + 1, True),
        (0, 5, True),
    ],
)
def test_sizes_at_below_and_above_the_limit(width: int, height: int, refused: bool) -> None:
    (found,) = read_directories(BytesSource(HEADER + directory(entry(256, 4, 1, width), entry(257, 4, 1, height))))
    if refused:
        with pytest.raises(UnreadableSlide, match=f"{width} x {height} px"):
            size(found)
    else:
        assert size(found) == (width, height)


@pytest.mark.parametrize("side", [MAX_TILE_SIDE + 16, 65_500])
def test_tiles_beyond_the_limit_are_refused(side: int) -> None:
    content = tiff(jpeg_page(PICTURE, 64, t322=side, t323=side))
    with pytest.raises(UnreadableSlide, match="tiles of"):
        level(read_directories(BytesSource(content))[0])


@pytest.mark.parametrize("change", [{"t324": [8, 8]}, {"t325": None}, {"t324": list(range(8, 800, 2))}])
def test_tables_that_contradict_the_size_are_refused(change: dict[str, list[int]]) -> None:
    with pytest.raises(UnreadableSlide) as caught:
        level(read_directories(BytesSource(tiff(jpeg_page(PICTURE, 64).but(**change), jpeg_page(PICTURE, 64))))[0])
    assert caught.value.refusal is Refusal.CONTRADICTION


@given(st.integers(0, 4000))
def test_a_file_cut_anywhere_is_refused_or_read(length: int) -> None:
    content = pyramid(PICTURE, 128)
    cut = content[: len(content) * length // 4000]
    try:
        for each in read_directories(BytesSource(cut)):
            level(each)
    except SlideError as error:
        assert isinstance(error, UnreadableSlide)  # noqa: PT017  (both outcomes are right)
    else:
        assert len(cut) == len(content)


@pytest.mark.parametrize("content", [b"", b"II*\0", b"II*\0\0\0\0\0", b"II+\0\x08\0\0\0", b"II+\0\x10\0\0\0" + bytes(8), b"GIF89a.."])
def test_beginnings_that_lead_nowhere(content: bytes) -> None:
    with pytest.raises(UnreadableSlide):
        read_directories(BytesSource(content))


def test_a_header_that_is_cut_off_says_so() -> None:
    with pytest.raises(UnreadableSlide, match="within its header") as caught:
        read_directories(BytesSource(b"II*\0\x08"))
    assert caught.value.refusal is Refusal.CUT_OFF
