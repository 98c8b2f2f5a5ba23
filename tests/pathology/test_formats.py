"""Slides of every maker: sizes, scale, pictures beside them, and pixels equal to OpenSlide's."""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import openslide
import pytest
from PIL import Image

import pathology
from pathology.errors import Refusal
from pathology.formats import by_openslide
from pathology.identifying import identifying_places
from pathology.limits import MAX_MPP, MAX_PICTURE_PIXELS, MAX_SCANS, MIN_MPP
from pathology.slide import scale
from pathology.source import BytesSource
from tests.pathology.made_tiff import (
    CODECS,
    OME,
    Page,
    coded_page,
    described,
    jpeg_page,
    leica,
    ome,
    philips,
    png,
    pyramid,
    shrunk,
    strip_page,
    svs,
    tiff,
    tissue,
)
from tests.pathology.real_files import SLIDES, needs_real_slides

PICTURE = tissue(700, 500)

MADE: Mapping[str, bytes] = {
    "aperio.svs": svs(PICTURE),
    "aperio-ycbcr.svs": svs(PICTURE, rgb=False),
    "aperio-jpeg2000.svs": tiff(coded_page(PICTURE, 33005, t270=described(PICTURE))),
    "generic.tif": pyramid(PICTURE),
    "big.tif": pyramid(PICTURE, big=True, order=">"),
    "subsampled.tif": tiff(jpeg_page(PICTURE, subsampling="420")),
    "own-tables.tif": tiff(jpeg_page(PICTURE, tables=False)),
    "lzw.tif": tiff(coded_page(PICTURE, 5, predictor=2)),
    "deflate.tif": tiff(coded_page(PICTURE, 8)),
    "plain.tif": tiff(coded_page(PICTURE, 1)),
    "ome.ome.tif": ome(PICTURE),
    "philips.tiff": philips(PICTURE),
    "leica.scn": leica(PICTURE),
}  # fmt: skip


HALF_CHROMA = base64.b64decode(
    "/0//UQAvAAAAAAAgAAAAIAAAAAAAAAAAAAABAAAAAQAAAAAAAAAAAAADBwEBBwIBBwIB/1IADAAAAAEABgICAAH/XAAWIEBISFBISFBISFBISFBISFBISFD/"
    "ZAAQAAFMYXZjNjMuMS4xMDL/kAAKAAAAAACMAAH/k8PkAgLB8IIBz6gIAr8AAACh84IABD/B8gEIwfICCX+g+QGACz1/wfICgfCECPsMH8D4QoHwhwBCAj8L"
    "/38KwCKB4IAUvwN/wOhQHBwBEBcrAKp/E6/AYcBwYBfSHwCqf6AiAD2lwGGgEIAgEX8gwEQAILigIgCsl8BwQILAAP/Z"
)
"""A JPEG 2000 code stream of 32 x 32 px whose chroma has half the columns, as Aperio writes them; no codec at hand makes such."""


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", MADE)
def test_pixels_are_those_of_openslide(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, MADE[name])
    reference = openslide.OpenSlide(path)
    left, top = (int(reference.properties.get(f"openslide.bounds-{axis}", 0)) for axis in "xy")
    with pathology.open_slide(path) as slide:
        assert (slide.width, slide.height) == (700, 500)
        theirs = np.asarray(reference.read_region((left, top), 0, (700, 500)))[..., :3]
        np.testing.assert_array_equal(slide.region(0, 0, 0, 700, 500), theirs)
        assert np.abs(theirs.astype(int) - PICTURE).mean() < 8


def test_jpeg_2000_of_ycbcr_components(tmp_path: Path) -> None:
    path = written(tmp_path, "x.svs", tiff(coded_page(PICTURE, 33003, t270=described(PICTURE))))
    with pathology.open_slide(path) as slide:
        theirs = np.asarray(openslide.OpenSlide(path).read_region((0, 0), 0, (700, 500)))[..., :3].astype(int)
        assert np.abs(slide.region(0, 0, 0, 700, 500) - theirs).max() <= 1


def test_jpeg_2000_with_fewer_chroma_samples(tmp_path: Path) -> None:
    page = coded_page(PICTURE[:32, :32], 33003, 32, t270=described(PICTURE[:32, :32]))
    path = written(tmp_path, "x.svs", tiff(Page(page.fields, [HALF_CHROMA])))
    with pathology.open_slide(path) as slide:
        theirs = np.asarray(openslide.OpenSlide(path).read_region((0, 0), 0, (32, 32)))[..., :3].astype(int)
        assert theirs[..., 0].mean() > 180 > theirs[..., 1].mean()
        assert np.abs(slide.region(0, 0, 0, 32, 32) - theirs).max() <= 2


@pytest.mark.parametrize("name", ["aperio.svs", "generic.tif", "big.tif", "philips.tiff"])
def test_coarser_levels_are_those_of_openslide(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, MADE[name])
    reference = openslide.OpenSlide(path)
    with pathology.open_slide(path) as slide:
        assert [(level.width, level.height) for level in slide.levels] == list(reference.level_dimensions)
        for number, level in enumerate(slide.levels):
            theirs = np.asarray(reference.read_region((0, 0), number, (level.width, level.height)))[..., :3]
            np.testing.assert_array_equal(slide.region(number, 0, 0, level.width, level.height), theirs)


@needs_real_slides
@pytest.mark.parametrize("name", ["CMU-1-Small-Region.svs", "openslide_small.svs"])
def test_every_pixel_of_a_real_slide_is_openslides(name: str) -> None:
    reference = openslide.OpenSlide(SLIDES / name)
    with pathology.open_slide(SLIDES / name) as slide:
        assert slide.mpp == pytest.approx(float(reference.properties["openslide.mpp-x"]))
        assert slide.objective == 20
        theirs = np.asarray(reference.read_region((0, 0), 0, reference.dimensions))[..., :3]
        np.testing.assert_array_equal(slide.region(0, 0, 0, slide.width, slide.height), theirs)
        for picture in slide.associated:
            theirs = np.asarray(reference.associated_images[picture.name])[..., :3]
            np.testing.assert_array_equal(picture.read(), theirs)


@pytest.mark.parametrize(
    ("name", "mpp", "source", "objective"),
    [
        ("aperio.svs", 0.499, "aperio-mpp", 20),
        ("generic.tif", None, "unknown", None),
        ("ome.ome.tif", 0.25, "ome-physical-size", 40),
        ("philips.tiff", 0.25, "philips-pixel-spacing", None),
        ("leica.scn", 0.5, "leica-view", 20),
    ],
)
def test_scale_and_objective_are_the_files(name: str, mpp: float | None, source: str, objective: float | None, tmp_path: Path) -> None:
    with pathology.open_slide(written(tmp_path, name, MADE[name])) as slide:
        assert slide.mpp == pytest.approx(mpp)
        assert (slide.mpp_source, slide.objective) == (source, objective)


@pytest.mark.parametrize("name", ["aperio.svs", "ome.ome.tif", "philips.tiff", "leica.scn"])
def test_time_of_the_scan(name: str, tmp_path: Path) -> None:
    with pathology.open_slide(written(tmp_path, name, MADE[name])) as slide:
        assert slide.device.acquired == datetime(2026, 11, 20, 9, 30)


@pytest.mark.parametrize("name", MADE)
def test_what_people_wrote_is_not_kept(name: str, tmp_path: Path) -> None:
    with pathology.open_slide(written(tmp_path, name, MADE[name])) as slide:
        assert "LISI" not in repr((slide.format, slide.device, slide.notes, slide.associated, slide.scale))


@pytest.mark.parametrize(
    ("mpp", "known"), [(MIN_MPP, True), (MIN_MPP * 0.99, False), (MAX_MPP, True), (MAX_MPP * 1.01, False), (352.8, False)]
)
def test_a_pixel_size_is_one_only_within_bounds(mpp: float, known: bool) -> None:
    assert (scale(mpp, mpp, "x") is not None) is known


@pytest.mark.parametrize(
    ("fields", "mpp"),
    [
        ({"t282": ("rational", 40_000, 1), "t283": ("rational", 40_000, 1), "t296": 3}, 0.25),
        ({"t282": ("rational", 50_800, 1), "t283": ("rational", 50_800, 1), "t296": 2}, 0.5),
        ({"t282": ("rational", 72, 1), "t283": ("rational", 72, 1), "t296": 2}, None),
        ({"t282": ("rational", 300, 1), "t283": ("rational", 300, 1), "t296": 2}, None),
        ({"t282": ("rational", 40_000, 1), "t283": ("rational", 40_000, 1), "t296": 1}, None),
        ({"t282": ("rational", 1, 0), "t283": ("rational", 1, 0), "t296": 3}, None),
    ],
)
def test_resolution_of_a_generic_tiff(fields: dict[str, int], mpp: float | None, tmp_path: Path) -> None:
    with pathology.open_slide(written(tmp_path, "x.tif", tiff(jpeg_page(PICTURE, **fields)))) as slide:
        assert slide.mpp == pytest.approx(mpp)


@pytest.mark.parametrize(
    ("text", "unit", "mpp"),
    [("250", "nm", 0.25), ("0.00025", "mm", 0.25), ("0.25", "μm", 0.25), ("0.25", "pixel", None), ("-1", "µm", None), ("nan", "µm", None)],
)
def test_units_of_ome(text: str, unit: str, mpp: float | None, tmp_path: Path) -> None:
    with pathology.open_slide(written(tmp_path, "x.ome.tif", ome(PICTURE, text, unit))) as slide:
        assert slide.mpp == pytest.approx(mpp)


def test_a_later_scanner_of_the_same_maker(tmp_path: Path) -> None:
    text = described(PICTURE).replace(b"Aperio Image Library v11.2.1", b"Aperio Leica Biosystems GT450 v1.0.1") + b"|ScannerType = GT450"
    content = tiff(jpeg_page(PICTURE, rgb=True, t270=text))
    with pathology.open_slide(written(tmp_path, "x.svs", content)) as slide:
        assert (slide.device.model, slide.device.software) == ("GT450", "Aperio Leica Biosystems GT450 v1.0.1")
        assert not [place for place in identifying_places(slide) if b"GT450" in content[place.offset : place.offset + place.length]]


def test_levels_of_ome_in_sub_directories(tmp_path: Path) -> None:
    with pathology.open_slide(written(tmp_path, "x.ome.tif", MADE["ome.ome.tif"])) as slide:
        assert [(level.width, level.height) for level in slide.levels] == [(700, 500), (350, 250), (175, 125)]


def test_channels_and_planes_are_counted_and_said(tmp_path: Path) -> None:
    text = OME.format(width=700, height=500, x="0.25", unit="µm").replace('SizeC="3" SizeZ="1"', 'SizeC="3" SizeZ="4"').encode()
    pages = [jpeg_page(PICTURE, t270=text), *(jpeg_page(PICTURE) for _ in range(3))]
    with pathology.open_slide(written(tmp_path, "x.ome.tif", tiff(*pages))) as slide:
        assert (slide.focal_planes, slide.channels, len(slide.levels)) == (4, 1, 1)
        assert "4 focal planes" in slide.notes[0]


def test_label_and_macro_are_found_and_are_no_levels(tmp_path: Path) -> None:
    with pathology.open_slide(written(tmp_path, "x.svs", MADE["aperio.svs"])) as slide:
        beside = {each.name: each for each in slide.associated}
        assert set(beside) == {"thumbnail", "label", "macro"}
        assert len(slide.levels) == 2
        np.testing.assert_array_equal(beside["label"].read(), tissue(90, 80, 7))
    for name in ("philips.tiff", "leica.scn"):
        with pathology.open_slide(written(tmp_path, name, MADE[name])) as slide:
            assert "macro" in {each.name for each in slide.associated}


def test_levels_are_told_by_their_size(tmp_path: Path) -> None:
    pages = [jpeg_page(PICTURE), jpeg_page(shrunk(PICTURE, 2)), jpeg_page(tissue(400, 400)), jpeg_page(shrunk(PICTURE, 4))]
    with pathology.open_slide(written(tmp_path, "x.tif", tiff(*pages))) as slide:
        assert [level.width for level in slide.levels] == [700, 350, 175]
        assert [each.width for each in slide.associated] == [400]


@pytest.mark.parametrize("compression", [1, 5, 7, 8, 32773, 50000])
def test_strips_of_a_camera(compression: int, tmp_path: Path) -> None:
    with pathology.open_slide(written(tmp_path, "x.tif", tiff(strip_page(PICTURE, compression, 16 if compression == 7 else 9)))) as slide:
        assert (slide.width, slide.height, slide.mpp) == (700, 500, None)
        assert np.abs(slide.region(0, 0, 0, 700, 500).astype(int) - PICTURE).mean() < (3 if compression == 7 else 0.001)


def test_planes_stored_apart(tmp_path: Path) -> None:
    planes = [coded_page(np.repeat(PICTURE[..., at : at + 1], 3, axis=2), 8) for at in range(3)]
    page = planes[0].but(t284=2)
    pieces = [zlib.compress(zlib.decompress(piece)[::3]) for plane in planes for piece in plane.pieces]
    with pathology.open_slide(written(tmp_path, "x.tif", tiff(type(page)(page.fields, pieces)))) as slide:
        np.testing.assert_array_equal(slide.region(0, 0, 0, 700, 500), PICTURE)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("used", "compression"), [(16, 8), (12, 1), (10, 5)])
def test_sixteen_bits_are_shown_by_the_eight_highest_that_are_used(order: str, used: int, compression: int, tmp_path: Path) -> None:
    deep = PICTURE.astype(order + "u2") * np.uint16(1 << (used - 8)) + np.uint16((1 << (used - 8)) - 1)
    deep[0, 0] = (1 << used) - 1
    rows = [CODECS[compression](deep[at : at + 40].astype(order + "u2").tobytes()) for at in range(0, 500, 40)]
    page = strip_page(PICTURE, compression, 40, t258=[16, 16, 16])
    content = tiff(Page(page.fields, rows, strips=True), order=order)
    with pathology.open_slide(written(tmp_path, "x.tif", content)) as slide:
        np.testing.assert_array_equal(slide.region(0, 1, 1, 699, 499), PICTURE[1:, 1:])
        assert f"Of {used} bits" in slide.notes[-1]


@pytest.mark.parametrize("damage", ["tables", "coding", "all tiles"])
def test_a_coarser_level_that_cannot_be_read_is_left_out(damage: str, tmp_path: Path) -> None:
    coarse = jpeg_page(shrunk(PICTURE, 2)) if damage != "all tiles" else coded_page(shrunk(PICTURE, 2), 8)
    changed = {"tables": coarse.but(t347=None), "coding": coarse.but(t259=60_000), "all tiles": coarse.but(t259=5)}[damage]
    content = tiff(jpeg_page(PICTURE), changed, jpeg_page(shrunk(PICTURE, 4)))
    with pathology.open_slide(written(tmp_path, "x.tif", content)) as slide:
        assert [level.width for level in slide.levels] == [700, 175]
        assert slide.notes[0].startswith("A coarser level is left out")


def test_tiles_that_pass_the_end_of_the_file_are_counted(tmp_path: Path) -> None:
    page = jpeg_page(PICTURE, 128)
    whole = tiff(page)
    with pathology.open_source(BytesSource(whole)) as slide:
        assert slide.cut_off(0) == 0
        places = [slide.places(0, column, row)[0] for row in range(4) for column in range(6)]
    far = [place.offset if number < 20 else len(whole) - 40 for number, place in enumerate(places)]
    content = tiff(page.but(t324=far))
    with pathology.open_slide(written(tmp_path, "x.tif", content)) as slide:
        assert slide.cut_off(0) == 4
        with pytest.raises(pathology.DamagedTile, match="pass the end"):
            slide.tile(0, 5, 3)


def test_grey_inverted_and_palette_pictures(tmp_path: Path) -> None:
    grey = np.repeat(PICTURE[..., :1], 3, axis=2)
    one = coded_page(grey, 1)
    pieces = [piece[::3] for piece in one.pieces]
    base = type(one)(one.fields, pieces).but(t277=1, t258=8, t317=None)
    ramp = [value * 257 for value in range(256)]
    for page, expected in (
        (base.but(t262=1), grey),
        (base.but(t262=0), 255 - grey),
        (base.but(t262=3, t320=ramp + ramp + [0] * 256), grey * np.uint8([1, 1, 0])),
    ):
        with pathology.open_slide(written(tmp_path, "x.tif", tiff(page))) as slide:
            np.testing.assert_array_equal(slide.region(0, 0, 0, 700, 500), expected)


def test_a_picture_of_a_camera(tmp_path: Path) -> None:
    for name, content in (("x.png", png(PICTURE)), ("x.jpg", jpeg_page(PICTURE[:256, :256], tables=False).pieces[0])):
        with pathology.open_slide(written(tmp_path, name, content)) as slide:
            assert (slide.mpp, slide.mpp_source) == (None, "unknown")
            seen = slide.region(0, 0, 0, slide.width, slide.height)
            assert np.abs(seen.astype(int) - PICTURE[: slide.height, : slide.width]).mean() < 3


@pytest.mark.parametrize(("extra", "refused"), [(0, False), (MAX_SCANS, True)])
def test_a_progressive_picture_of_too_many_scans_is_not_decoded(extra: int, refused: bool, tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.fromarray(PICTURE[:256, :256]).save(out, "JPEG", progressive=True)
    whole = out.getvalue()
    last = whole.rindex(b"\xff\xda")
    many = whole[:-2] + whole[last:-2] * extra + whole[-2:]
    page = jpeg_page(PICTURE[:256, :256], 256, tables=False)
    for name, content in (("x.jpg", many), ("x.tif", tiff(Page(page.fields, [many])))):
        if refused:
            with pytest.raises(pathology.SlideError, match="scans"), pathology.open_slide(written(tmp_path, name, content)) as slide:
                slide.pixels(0, 0, 0)
        else:
            with pathology.open_slide(written(tmp_path, name, content)) as slide:
                assert slide.pixels(0, 0, 0).shape == (256, 256, 3)


def test_a_picture_beyond_the_limit_is_refused_by_its_header(tmp_path: Path) -> None:
    side = int(MAX_PICTURE_PIXELS**0.5) + 1
    head = bytearray(png(PICTURE))
    head[16:24] = side.to_bytes(4, "big") * 2
    coded = bytearray(jpeg_page(PICTURE[:256, :256], tables=False).pieces[0])
    frame = coded.index(b"\xff\xc0")
    coded[frame + 5 : frame + 9] = side.to_bytes(2, "big") * 2
    for name, content in (("x.png", head), ("x.jpg", coded)):
        with pytest.raises(pathology.UnreadableSlide, match=f"{side} x {side} px") as caught:
            pathology.open_slide(written(tmp_path, name, bytes(content)))
        assert caught.value.refusal is Refusal.TOO_LARGE


@pytest.mark.parametrize(
    ("page", "refusal"),
    [
        (jpeg_page(PICTURE, t258=[16, 16, 16]), Refusal.NOT_SUPPORTED),
        (coded_page(PICTURE, 1, t258=[12, 12, 12]), Refusal.NOT_SUPPORTED),
        (coded_page(PICTURE, 1, t339=[3, 3, 3]), Refusal.NOT_SUPPORTED),
        (jpeg_page(PICTURE, t259=60_000), Refusal.NOT_SUPPORTED),
        (jpeg_page(PICTURE, t262=5), Refusal.NOT_SUPPORTED),
        (coded_page(PICTURE, 5, t317=3), Refusal.NOT_SUPPORTED),
        (jpeg_page(PICTURE).but(t347=None), Refusal.TABLES_LOST),
        (coded_page(PICTURE, 8, side=128, t259=5), Refusal.DAMAGED),
        (jpeg_page(PICTURE, 256, t322=128, t323=128, t324=[8] * 24, t325=[9000] * 24), Refusal.CONTRADICTION),
        (strip_page(PICTURE, 1, 500, t256=700, t257=100_000, t278=100_000), Refusal.TOO_LARGE),
        (jpeg_page(PICTURE).but(t324=None, t322=None), Refusal.NO_PICTURE),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_of_which_kind_it_is(page: Page, refusal: Refusal, tmp_path: Path) -> None:
    content = tiff(page)
    with pytest.raises(pathology.UnreadableSlide) as caught:
        pathology.open_slide(written(tmp_path, "x.tif", content))
    assert caught.value.refusal is refusal


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.kfb", b"KFB\0" + bytes(100)), ("unnamed", b"KFB\0" + bytes(100)), ("a.sdpc", b"SQ\x05\0" + bytes(100)), ("a.tmap", b"TMAP" + bytes(100)),
        ("a.zyp", bytes(100)), ("b", b"TMAP" + bytes(9)), ("a.vsi", MADE["generic.tif"]), ("a.isyntax", b'<DataObject ObjectType="DPUfsImport">' + bytes(100)),
    ],
)  # fmt: skip
def test_makers_own_formats_are_named_with_their_exports(name: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(pathology.UnreadableSlide) as caught:
        pathology.open_slide(written(tmp_path, name, content))
    assert caught.value.refusal is Refusal.VENDOR_FORMAT
    assert caught.value.advice.startswith("Export it from")
    assert "TIFF" in caught.value.advice


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", bytes(5000), b"<html></html>", b"SQLite format 3\0" + bytes(100)])
def test_what_is_no_slide_says_so(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(pathology.UnreadableSlide) as caught:
        pathology.open_slide(written(tmp_path, "x.bin", content))
    assert caught.value.format == "unknown"
    assert str(tmp_path) not in str(caught.value)


def test_a_path_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pathology.open_slide(tmp_path / "gone.svs")


def test_tiles_out_of_the_slide_do_not_exist(tmp_path: Path) -> None:
    with pathology.open_slide(written(tmp_path, "x.svs", MADE["aperio.svs"])) as slide:
        for address in ((0, 3, 0), (0, 0, 2), (2, 0, 0), (-1, 0, 0), (0, -1, 0)):
            with pytest.raises(pathology.NoSuchTile):
                slide.tile(*address)


def test_a_damaged_tile_is_an_error_of_its_own(tmp_path: Path) -> None:
    page = jpeg_page(PICTURE, 128)
    pieces = [*page.pieces[:7], b"\xff\xd8nonsense", *page.pieces[8:]]
    with pathology.open_slide(written(tmp_path, "x.tif", tiff(type(page)(page.fields, pieces)))) as slide:
        with pytest.raises(pathology.DamagedTile) as caught:
            slide.pixels(0, 1, 1)
        assert caught.value.tile == (0, 1, 1)
        assert slide.pixels(0, 0, 0).shape == (128, 128, 3)


@pytest.mark.parametrize("name", ["aperio.svs", "philips.tiff", "leica.scn"])
def test_what_openslide_reads_for_us_is_the_same_slide(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, MADE[name])
    reference = openslide.OpenSlide(path)
    with by_openslide.read(path) as slide:
        assert (slide.width, slide.height) == reference.dimensions
        said = reference.properties.get("openslide.mpp-x")
        assert slide.mpp == (None if said is None else pytest.approx(float(said)))
        assert {each.name for each in slide.associated} <= {"label", "macro", "thumbnail"}
        assert slide.places(0, 0, 0) == ()
        x, y = (int(reference.properties.get(f"openslide.bounds-{axis}", 0)) for axis in "xy")
        theirs = np.asarray(reference.read_region((x, y), 0, (300, 200)))[..., :3]
        np.testing.assert_array_equal(slide.region(0, x, y, 300, 200), theirs)
        assert slide.tile(0, x // 512, y // 512)[:2] == b"\xff\xd8"


def test_what_openslide_cannot_read_is_refused_without_the_files_name(tmp_path: Path) -> None:
    for name, content in (("LISI.svs", MADE["aperio.svs"][:5000]), ("LISI.bin", b"nothing")):
        with pytest.raises(pathology.UnreadableSlide) as caught:
            by_openslide.read(written(tmp_path, name, content))
        assert "LISI" not in str(caught.value)


def test_a_zipped_slide_is_unpacked_and_goes_when_it_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("slide/x.svs", MADE["aperio.svs"])
    with pathology.open_slide(archive) as slide:
        assert slide.format == "Aperio SVS"
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == [archive]
