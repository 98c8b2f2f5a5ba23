"""Damaged and hostile slides: one family of errors, in bounded memory."""

from __future__ import annotations

import contextlib
import io
import random
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

import pathology
from pathology.arrival import order_of_use
from pathology.focus import assess
from pathology.identifying import identifying_places
from pathology.source import BytesSource, FileSource
from pathology.wsi import Identity, unwrap, wrap
from tests.pathology.made_dicom import SIDE, in_fragments, slide, sparse
from tests.pathology.made_tiff import coded_page, jpeg, leica, ome, philips, png, pyramid, strip_page, svs, tiff, tiles_of, tissue
from tests.pathology.real_files import CASES, SLIDES, needs_cases, needs_real_slides
from tests.patience import TIMES

PICTURE = tissue(420, 300)
FRAMES = [jpeg(tile) for tile in tiles_of(PICTURE, SIDE)]
SEEDS: Mapping[str, bytes] = {
    "svs": svs(PICTURE, 128),
    "bigtiff": pyramid(PICTURE, 128, big=True),
    "ome": ome(PICTURE, side=128),
    "philips": philips(PICTURE, 128),
    "leica": leica(PICTURE, 128),
    "lzw": tiff(coded_page(PICTURE, 5, 128, predictor=2)),
    "deflate": tiff(coded_page(PICTURE, 8, 128)),
    "packbits": tiff(strip_page(PICTURE, 32773, 20)),
    "jpeg-2000": tiff(coded_page(PICTURE, 33005, 128)),
    "dicom": slide(PICTURE, FRAMES),
    "sparse": sparse(PICTURE, [3, 2, 0]),
    "fragments": slide(PICTURE, FRAMES, pixel_data=in_fragments(FRAMES)),
    "png": png(PICTURE),
    "jpeg": jpeg(PICTURE),
}


def read_or_refuse(content: bytes) -> bool:
    """True if it opened. Its tiles may be damaged; any error is the library's."""
    try:
        found = pathology.open_source(BytesSource(content))
    except pathology.SlideError as error:
        assert len(str(error)) > 20  # noqa: PT017  (both outcomes are right; each is looked at)
        return False
    with found:
        for number, level in enumerate(found.levels):
            for column, row in {(0, 0), (level.columns - 1, level.rows - 1), (level.columns // 2, level.rows // 2)}:
                try:
                    assert found.tile(number, column, row)[:2] == b"\xff\xd8"
                except pathology.SlideError:
                    continue
        for picture in found.associated:
            try:
                assert picture.read().ndim == 3
            except pathology.SlideError:
                continue
        size = found.sources[0].size
        assert sum(piece.length for piece in order_of_use(found)) == size
        assert all(place.offset + place.length <= size for place in identifying_places(found))
    return True


def wrap_or_refuse(content: bytes, folder: Path) -> None:
    """Wrap what opens; whatever is written comes out again or is said not to."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(pathology.open_source(BytesSource(content)))
            done = wrap(found, folder, Identity(datetime(2026, 1, 1)))
        except pathology.SlideError:
            assert list(folder.iterdir()) == []
            return
        if done.remainder is not None:
            out = io.BytesIO()
            unwrap([stack.enter_context(FileSource(path)) for path in done.instances], done.remainder, out)
            assert out.getvalue() == content


def damaged(content: bytes, dice: random.Random) -> bytes:
    """Cut, or with bytes changed: half of the time near the end, where a TIFF has its directories, or at the head."""
    broken = bytearray(content[: dice.randrange(1, len(content))] if dice.random() < 0.2 else content)
    for _ in range(dice.choice((1, 3, 20, 200))):
        reach = min(len(broken), dice.choice((400, 3000, len(broken))))
        at = dice.randrange(reach) if dice.random() < 0.5 else len(broken) - 1 - dice.randrange(reach)
        broken[at] = dice.choice((0, 255, dice.randrange(256)))
    return bytes(broken)


@pytest.mark.parametrize("name", SEEDS)
def test_damaged_slides(name: str) -> None:
    dice = random.Random(name)
    assert read_or_refuse(SEEDS[name])
    for _ in range(120 * TIMES):
        read_or_refuse(damaged(SEEDS[name], dice))


@pytest.mark.parametrize("name", SEEDS)
def test_a_slide_cut_anywhere(name: str) -> None:
    content = SEEDS[name]
    for length in range(0, len(content), max(1, len(content) // 60)):
        read_or_refuse(content[:length])


@needs_real_slides
def test_damaged_real_slides() -> None:
    for path in sorted(SLIDES.iterdir()):
        dice, content = random.Random(path.name), path.read_bytes()
        for _ in range(40 * TIMES):
            read_or_refuse(damaged(content, dice))


@needs_cases
def test_damaged_strange_slides() -> None:
    for path in sorted(CASES.iterdir()):
        dice, content = random.Random(path.name), path.read_bytes()
        for _ in range(8 * TIMES):
            read_or_refuse(damaged(content, dice))


@pytest.mark.parametrize("name", ["svs", "bigtiff", "ome", "philips", "packbits"])
def test_damaged_slides_are_wrapped_with_what_is_left_of_them(name: str, tmp_path: Path) -> None:
    dice = random.Random(name + "wrap")
    for number in range(12 * TIMES):
        folder = tmp_path / str(number)
        folder.mkdir()
        wrap_or_refuse(damaged(SEEDS[name], dice), folder)


def test_damaged_remainders(tmp_path: Path) -> None:
    dice = random.Random("remainder")
    with pathology.open_source(BytesSource(SEEDS["svs"])) as found:
        done = wrap(found, tmp_path, Identity(datetime(2026, 1, 1)))
    assert done.remainder is not None
    content = done.remainder.read_bytes()
    with contextlib.ExitStack() as stack:
        instances = [stack.enter_context(FileSource(path)) for path in done.instances]
        for _ in range(100 * TIMES):
            out = io.BytesIO()
            try:
                unwrap(instances, io.BytesIO(damaged(content, dice)), out)
            except pathology.SlideError:
                continue
            assert out.getvalue() == SEEDS["svs"]


def test_focus_of_damaged_slides() -> None:
    dice = random.Random("focus")
    for _ in range(25 * TIMES):
        with contextlib.suppress(pathology.SlideError), pathology.open_source(BytesSource(damaged(SEEDS["svs"], dice))) as found:
            assert 0 <= assess(found).tissue <= 1


def test_what_is_hostile_costs_little_memory(tmp_path: Path) -> None:
    for name, content in SEEDS.items():
        (tmp_path / name).write_bytes(content)
    measured = """
        import random, sys
        from pathlib import Path
        from tests.pathology.test_hostile import damaged, read_or_refuse

        def peak():
            return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))) >> 10

        before = peak()
        for path in sorted(Path(sys.argv[1]).iterdir()):
            dice, content = random.Random(path.name + "memory"), path.read_bytes()
            for _ in range(40):
                read_or_refuse(damaged(content, dice))
        print(peak() - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(measured), str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500  # MiB: a picture of the largest size that is read, its bytes, and room
