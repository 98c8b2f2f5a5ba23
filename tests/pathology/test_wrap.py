"""A slide as DICOM and back: frames as they were, a validator content, the file again byte for byte."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import numpy as np
import openslide
import pydicom
import pytest

import pathology
from pathology.__main__ import main
from pathology.dicom.frames import frame_places
from pathology.dicom.instance import read_instance
from pathology.errors import Refusal
from pathology.source import BytesSource, FileSource
from pathology.wsi import Code, Identity, unwrap, wrap
from pathology.wsi.icc import input_profile
from tests.pathology.made_dicom import slide as dicom_slide
from tests.pathology.made_tiff import Page, coded_page, jpeg_page, leica, ome, philips, png, pyramid, strip_page, svs, tiff, tissue
from tests.pathology.real_files import SLIDES, needs_real_slides

PICTURE = tissue(700, 500)
IDENTITY = Identity(
    datetime(2026, 11, 20, 9, 30), patient_id="P1", patient_name="李^四", patient_birth_date="19700101", patient_sex="M", accession_number="A1",
    container_identifier="S26-1-A-1", stains=(Code("12710003", "SCT", "hematoxylin stain"), Code("36879007", "SCT", "water soluble eosin stain")),
)  # fmt: skip


def with_holes(page: Page) -> bytes:
    """A tile that was not stored, one that is damaged, and two that share their bytes."""
    pieces = [*page.pieces]
    pieces[1], pieces[2] = b"", b"\xff\xd8 damaged"
    return tiff(Page(page.fields, pieces), jpeg_page(PICTURE[::2, ::2], 128))


def sharing_tiles() -> bytes:
    page = jpeg_page(np.full((512, 512, 3), 240, np.uint8), 256)
    content = tiff(Page(page.fields, [page.pieces[0], b"", b"", b""]))
    with pathology.open_source(BytesSource(content)) as found:
        (place,) = found.places(0, 0, 0)
    offsets, lengths = (number.to_bytes(4, "little") for number in (place.offset, place.length))
    empty = bytes(12)
    return content.replace(offsets + empty, offsets * 4).replace(lengths + empty, lengths * 4)


MADE: Mapping[str, bytes] = {
    "svs": svs(PICTURE),
    "svs of YCbCr": svs(PICTURE, rgb=False),
    "subsampled": tiff(jpeg_page(PICTURE, subsampling="420")),
    "bigtiff": pyramid(PICTURE, big=True, order=">"),
    "ome": ome(PICTURE),
    "philips": philips(PICTURE),
    "leica": leica(PICTURE),
    "holes": with_holes(jpeg_page(PICTURE, 128)),
    "shared": sharing_tiles(),
}
DRAWN: Mapping[str, bytes] = {
    "strips": tiff(strip_page(PICTURE)),
    "jpeg-2000": tiff(coded_page(PICTURE, 33005)),
    "lzw": tiff(coded_page(PICTURE, 5)),
    "png": png(PICTURE),
}


def wrapped(content: bytes, folder: Path, identity: Identity = IDENTITY, **options: int) -> pathology.wsi.Wrapped:
    folder.mkdir(exist_ok=True)
    with pathology.open_source(BytesSource(content)) as found:
        return wrap(found, folder, identity, **options)


def unwrapped(done: pathology.wsi.Wrapped) -> bytes:
    out = io.BytesIO()
    assert done.remainder is not None
    with ExitStack() as stack:
        sources = [stack.enter_context(FileSource(path)) for path in reversed(done.instances)]
        assert unwrap(sources, done.remainder, out) == done.sha256
    return out.getvalue()


@pytest.mark.parametrize("name", MADE)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_file_comes_out_again_byte_for_byte(name: str, tmp_path: Path) -> None:
    done = wrapped(MADE[name], tmp_path)
    assert done.passed_on > 0
    assert unwrapped(done) == MADE[name]


@pytest.mark.parametrize("name", [*MADE, *DRAWN])
def test_it_looks_the_same_to_us_and_to_openslide(name: str, tmp_path: Path) -> None:
    content = {**MADE, **DRAWN}[name]
    done = wrapped(content, tmp_path)
    theirs = openslide.OpenSlide(done.instances[0])
    with pathology.open_source(BytesSource(content)) as before, pathology.open_slide(done.instances[0]) as after:
        assert (after.width, after.height, after.objective) == (before.width, before.height, before.objective)
        assert after.mpp == pytest.approx(before.mpp)
        assert len(after.levels) == len(before.levels) + done.made_levels
        assert theirs.level_dimensions == tuple((level.width, level.height) for level in after.levels)
        seen = after.region(0, 0, 0, after.width, after.height).astype(int)
        expected = before.region(0, 0, 0, before.width, before.height, tolerant=True).astype(int)
        if name in MADE and name != "holes":
            np.testing.assert_array_equal(seen, expected)
        else:
            assert np.abs(seen - expected).mean() < (6 if name == "holes" else 2)
        reference = np.asarray(theirs.read_region((0, 0), 0, theirs.dimensions))[..., :3].astype(int)
        assert np.abs(seen - reference).max() <= 2


def test_frames_are_the_scanners_own(tmp_path: Path) -> None:
    done = wrapped(MADE["svs"], tmp_path)
    with pathology.open_source(BytesSource(MADE["svs"])) as before, FileSource(done.instances[0]) as source:
        pieces = frame_places(read_instance(source), 0, 6, 0)
        for number in range(6):
            (place,) = pieces.places(number)
            frame = source.read_at(place.offset, place.length)
            assert frame.rstrip(b"\0") == before.tile(0, number % 3, number // 3).rstrip(b"\0")
            assert before.stored(0, number % 3, number // 3)[2:] in frame


@pytest.mark.parametrize("name", [*MADE, *DRAWN])
def test_the_validator_finds_no_error(name: str, tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (package dicom3tools) is not on this machine")
    for path in wrapped({**MADE, **DRAWN}[name], tmp_path).instances:
        said = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False).stderr
        assert "VLWholeSlideMicroscopyImage" in said
        assert [line for line in said.splitlines() if line.startswith("Error")] == []


def test_the_identity_is_the_cases_and_the_files_text_is_not_there(tmp_path: Path) -> None:
    done = wrapped(MADE["svs"], tmp_path)
    for path in done.instances:
        dataset = pydicom.dcmread(path)
        assert (str(dataset.PatientName), dataset.PatientID, dataset.AccessionNumber) == ("李^四", "P1", "A1")
        assert dataset.ContainerIdentifier == "S26-1-A-1"
        assert dataset.AcquisitionDateTime == "20261120093000"
        steps = dataset.SpecimenDescriptionSequence[0].SpecimenPreparationSequence[0].SpecimenPreparationStepContentItemSequence
        assert [item.ConceptCodeSequence[0].CodeValue for item in steps if item.ValueType == "CODE"] == [
            "127790008",
            "12710003",
            "36879007",
        ]
        assert dataset.OpticalPathSequence[0].ICCProfile[12:16] == b"scnr"
        assert b"LISI" not in path.read_bytes()


def test_offset_tables_point_at_items(tmp_path: Path) -> None:
    path = wrapped(MADE["svs"], tmp_path).instances[0]
    dataset, content = pydicom.dcmread(path, stop_before_pixels=True), path.read_bytes()
    with FileSource(path) as source:
        instance = read_instance(source)
    offsets = np.frombuffer(dataset.ExtendedOffsetTable, "<u8")
    lengths = np.frombuffer(dataset.ExtendedOffsetTableLengths, "<u8")
    first = instance.pixel_offset + 8
    for offset, length in zip(offsets.tolist(), lengths.tolist(), strict=True):
        assert content[first + offset :][:4] == b"\xfe\xff\x00\xe0"
        assert int.from_bytes(content[first + offset + 4 :][:4], "little") == length
        assert length % 2 == 0


def test_missing_and_damaged_tiles_are_counted_and_drawn_from_the_coarser_level(tmp_path: Path) -> None:
    done = wrapped(MADE["holes"], tmp_path)
    assert (done.missing, done.damaged) == (1, 1)
    with pathology.open_slide(done.instances[0]) as after:
        assert np.abs(after.pixels(0, 1, 0).astype(int) - PICTURE[:128, 128:256]).mean() < 25
        assert np.abs(after.pixels(0, 2, 0).astype(int) - PICTURE[:128, 256:384]).mean() < 25


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_large_level_is_a_concatenation(tmp_path: Path) -> None:
    done = wrapped(MADE["svs"], tmp_path, part_bytes=40_000)
    parts = [path for path in done.instances if path.name.startswith("level-0-")]
    assert len(parts) > 1
    numbers = [pydicom.dcmread(path, stop_before_pixels=True).InConcatenationNumber for path in parts]
    assert numbers == list(range(1, len(parts) + 1))
    with pathology.open_slide(done.instances[0]) as after, pathology.open_source(BytesSource(MADE["svs"])) as before:
        np.testing.assert_array_equal(after.region(0, 0, 0, 700, 500), before.region(0, 0, 0, 700, 500))
    assert unwrapped(done) == MADE["svs"]
    if shutil.which("dciodvfy"):
        said = subprocess.run(["dciodvfy", parts[1]], capture_output=True, text=True, check=False).stderr
        errors = [line for line in said.splitlines() if line.startswith("Error")]
        assert all(
            line.startswith("Error - NumberOfFrames does not match expected value for tiled") for line in errors
        )  # it counts a part as all


def test_levels_that_the_file_lacks_are_made(tmp_path: Path) -> None:
    picture = np.tile(tissue(512, 512), (5, 9, 1))
    done = wrapped(tiff(jpeg_page(picture, 512)), tmp_path)
    assert done.made_levels == 2
    with pathology.open_slide(done.instances[0]) as after:
        assert [(level.width, level.height) for level in after.levels] == [(4608, 2560), (1152, 640), (288, 160)]
        coarse = after.region(2, 0, 0, 288, 160).astype(int)
        expected = picture.reshape(160, 16, 288, 16, 3).mean((1, 3))
        assert np.abs(coarse - expected).mean() < 5


def test_the_same_twice_is_the_same(tmp_path: Path) -> None:
    one, two = wrapped(MADE["svs"], tmp_path / "1"), wrapped(MADE["svs"], tmp_path / "2")
    assert [path.read_bytes() for path in one.instances] == [path.read_bytes() for path in two.instances]
    other = wrapped(MADE["bigtiff"], tmp_path / "3")
    assert pydicom.dcmread(other.instances[0]).SOPInstanceUID != pydicom.dcmread(one.instances[0]).SOPInstanceUID


def test_what_is_drawn_has_no_remainder_and_says_so(tmp_path: Path) -> None:
    done = wrapped(DRAWN["strips"], tmp_path)
    assert (done.remainder, done.passed_on) == (None, 0)
    assert "keep it" in done.notes[-1]
    assert not list(tmp_path.glob("remainder*"))


def test_a_dicom_slide_is_not_wrapped_again(tmp_path: Path) -> None:
    with pytest.raises(pathology.UnreadableSlide, match="DICOM already"):
        wrapped(dicom_slide(PICTURE), tmp_path)


def test_after_an_error_nothing_is_left(tmp_path: Path) -> None:
    page = jpeg_page(PICTURE, 256)
    first, *others = page.pieces
    all_damaged = tiff(Page(page.fields, [first[:200], *(b"\xff\xd8\xff\xe0\x00" for _ in others)]))
    with pathology.open_source(BytesSource(tiff(page))) as sound:
        broken = pathology.Slide(sound.format, (BytesSource(b"\0" * len(all_damaged)),), sound.levels)
        with pytest.raises(pathology.UnreadableSlide, match="none of the 2 tiles of the finest"):
            wrap(broken, tmp_path, IDENTITY)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def done(tmp_path: Path) -> pathology.wsi.Wrapped:
    return wrapped(MADE["svs"], tmp_path)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("damage", ["missing instance", "frame", "remainder", "cut remainder", "head", "empty"])
def test_what_does_not_come_out_right_is_never_called_right(done: pathology.wsi.Wrapped, damage: str) -> None:
    assert done.remainder is not None
    instances, remainder = [*done.instances], done.remainder.read_bytes()
    if damage == "missing instance":
        instances.pop()
    elif damage == "frame":
        content = bytearray(instances[0].read_bytes())
        content[-5000] ^= 1
        instances[0].write_bytes(content)
    elif damage == "remainder":
        remainder = remainder[:-40] + bytes([remainder[-40] ^ 1]) + remainder[-39:]
    elif damage == "cut remainder":
        remainder = remainder[: len(remainder) * 2 // 3]
    elif damage == "head":
        remainder = remainder[:30] + remainder[30:34][::-1] + remainder[34:]
    else:
        remainder = b""
    with ExitStack() as stack:
        sources = [stack.enter_context(FileSource(path)) for path in instances]
        with pytest.raises(pathology.UnreadableSlide) as caught:
            unwrap(sources, io.BytesIO(remainder), io.BytesIO())
    assert caught.value.refusal in (Refusal.NOT_PROVED, Refusal.DAMAGED, Refusal.NO_PICTURE)


@pytest.mark.parametrize(("profile", "kept"), [(b"", False), (b"x" * 200, False)])
def test_a_profile_is_of_an_input_device(profile: bytes, kept: bool) -> None:
    found = input_profile(profile)
    assert found[12:16] == b"scnr"
    assert found[16:20] == b"RGB "
    assert (found == profile) is kept
    assert input_profile(found) == found
    display = found[:12] + b"mntr" + found[16:]
    assert input_profile(display)[12:16] == b"scnr"
    assert len(input_profile(display)) == len(display)


@needs_real_slides
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_real_slide_there_and_back(tmp_path: Path) -> None:
    path = SLIDES / "CMU-1-Small-Region.svs"
    with pathology.open_slide(path) as found:
        done = wrap(found, tmp_path, IDENTITY)
    assert done.passed_on == 130
    assert unwrapped(done) == path.read_bytes()


def test_wrap_and_unwrap_as_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = tmp_path / "x.svs", tmp_path / "out"
    file.write_bytes(MADE["svs"])
    assert main(["wrap", str(file), str(folder), "--patient-id", "P1", "--keep-label"]) == 0
    assert "byte for byte." in capsys.readouterr().out
    assert main(["unwrap", str(folder), str(tmp_path / "again.svs")]) == 0
    assert (tmp_path / "again.svs").read_bytes() == MADE["svs"]
    assert main(["unwrap", str(folder), str(tmp_path / "again.svs")]) == 1
    assert main(["wrap", str(file), str(tmp_path / "clean"), "--patient-id", "P1"]) == 0
    assert "byte for byte but for those places." in capsys.readouterr().out
    assert main(["unwrap", str(tmp_path / "clean"), str(tmp_path / "clean.svs")]) == 0
    assert b"LISI" not in (tmp_path / "clean.svs").read_bytes()
    assert len((tmp_path / "clean.svs").read_bytes()) == len(MADE["svs"])


def test_memory_does_not_grow_with_the_slide(tmp_path: Path) -> None:
    page = jpeg_page(tissue(256, 256), 256, quality=95)
    for side in (4, 64):
        sizes = [side, *([side // 4] if side > 4 else [])]
        pages = [Page({**page.fields, 256: size * 256, 257: size * 256}, list(page.pieces) * size**2) for size in sizes]
        (tmp_path / f"{side}.tif").write_bytes(tiff(*pages))
    measured = """
        import sys
        from datetime import datetime
        from pathlib import Path
        import pathology
        path = Path(sys.argv[1])
        path.with_suffix("").mkdir()
        with pathology.open_slide(path) as slide:
            pathology.wrap(slide, path.with_suffix(""), pathology.Identity(datetime(2026, 1, 1)))
        print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
    """
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", textwrap.dedent(measured), str(tmp_path / f"{side}.tif")], capture_output=True, text=True, check=True
            ).stdout
        )
        >> 10
        for side in (4, 64)
    ]
    assert (tmp_path / "64.tif").stat().st_size > 100 << 20
    assert peaks[1] - peaks[0] < 50  # MiB, of a slide of more than 100
