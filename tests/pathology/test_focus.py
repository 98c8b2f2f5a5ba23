"""Focus: sharp slides are ok, slides blurred by known radii are not; every limit at, below and above."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

import pathology
from pathology.__main__ import main
from pathology.focus import LIMITS, Cell, Verdict, assess, judge
from pathology.source import BytesSource
from tests.pathology.made_tiff import Page, Pixels, described, jpeg_page, shrunk, strip_page, tiff, tissue
from tests.pathology.real_files import SLIDES, needs_real_slides

PICTURE = tissue(1600, 1300, 11)


def blurred(picture: Pixels, radius: float, noise: float = 1) -> Pixels:
    soft = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)) if radius else Image.fromarray(picture)
    dice = np.random.default_rng(int(radius * 10))
    return np.clip(np.asarray(soft) + dice.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)


def slide_of(picture: Pixels, quality: int = 80) -> bytes:
    text = described(picture)
    return tiff(*(jpeg_page(each, 256, True, quality=quality, t270=text) for each in (picture, shrunk(picture, 4))))


def verdict_on(content: bytes) -> pathology.focus.Assessment:
    with pathology.open_source(BytesSource(content)) as slide:
        return assess(slide)


@pytest.mark.parametrize("quality", [70, 90])
@pytest.mark.parametrize("noise", [0, 2])
def test_a_sharp_slide_is_ok(quality: int, noise: float) -> None:
    found = verdict_on(slide_of(blurred(PICTURE, 0, noise), quality))
    assert (found.verdict, found.reasons) == (Verdict.OK, ())
    assert found.tissue > 0.3


@pytest.mark.parametrize("radius", [1, 1.5, 2, 3, 4])
@pytest.mark.parametrize("quality", [70, 90])
def test_a_blurred_slide_is_to_be_scanned_again(radius: float, quality: int) -> None:
    found = verdict_on(slide_of(blurred(PICTURE, radius), quality))
    assert found.verdict is Verdict.RESCAN
    assert found.reasons[0].measure == "rescan-blurred"


def test_pale_tissue_is_judged_as_dark_tissue_is() -> None:
    pale = (244 - (244 - PICTURE.astype(np.float32)) * 0.6).astype(np.uint8)
    assert verdict_on(slide_of(pale)).verdict is Verdict.OK
    assert verdict_on(slide_of(blurred(pale, 2))).verdict is Verdict.RESCAN


def test_a_corner_out_of_focus_is_worth_a_look() -> None:
    mixed = PICTURE.copy()
    mixed[:, 1000:] = blurred(PICTURE, 3)[:, 1000:]
    found = verdict_on(slide_of(mixed))
    assert found.verdict is Verdict.LOOK
    assert set(np.unique(found.cells[:, -1])) <= {Cell.GLASS, Cell.BLURRED, Cell.SOFT, Cell.NO_DETAIL}
    assert Cell.BLURRED in found.cells
    assert Cell.SHARP in found.cells


def test_glass_alone_is_worth_a_look() -> None:
    found = verdict_on(slide_of(blurred(np.full((1300, 1300, 3), 244, np.uint8), 0)))
    assert (found.verdict, found.reasons[0].measure, found.tissue) == (Verdict.LOOK, "look-tissue", 0)


def test_ink_is_no_tissue() -> None:
    inked = PICTURE.copy()
    inked[:600, :600] = (20, 120, 60)
    found = verdict_on(slide_of(inked))
    assert found.cells[0, 0] == Cell.PEN
    assert found.verdict is Verdict.OK


def test_a_fold_is_twice_as_dense() -> None:
    folded = PICTURE.copy()
    folded[400:1010, 500:1100] = (PICTURE[400:1010, 500:1100].astype(np.float32) / 244) ** 4 * 244
    assert Cell.FOLD in verdict_on(slide_of(folded)).cells


def test_tiles_that_are_not_stored_are_counted() -> None:
    page = jpeg_page(PICTURE, 256, True, t270=described(PICTURE))
    pieces = [piece if number % 9 < 3 else b"" for number, piece in enumerate(page.pieces)]
    found = verdict_on(tiff(Page(page.fields, pieces), jpeg_page(shrunk(PICTURE, 4), 256, True, t270=described(PICTURE))))
    assert found.verdict is Verdict.RESCAN
    assert found.reasons[0].measure == "rescan-not-stored"


def test_a_slide_of_unknown_scale_is_taken_for_20x_and_says_so() -> None:
    found = verdict_on(tiff(strip_page(PICTURE)))
    assert found.scale_assumed
    assert found.verdict is Verdict.OK
    assert not verdict_on(slide_of(PICTURE)).scale_assumed


def test_at_40x_it_is_looked_at_as_at_20x() -> None:
    large = np.asarray(Image.fromarray(PICTURE).resize((3200, 2600), Image.Resampling.BICUBIC))
    text = described(large).replace(b"MPP = 0.4990", b"MPP = 0.2495").replace(b"AppMag = 20", b"AppMag = 40")
    found = verdict_on(tiff(jpeg_page(large, 256, True, t270=text), jpeg_page(shrunk(large, 4), 256, True, t270=text)))
    assert found.verdict is Verdict.OK


GOOD = {"tissue": 0.5, "soft": 0.0, "blurred": 0.0, "without_detail": 0.0, "not_stored": 0.0}


@pytest.mark.parametrize(
    ("measure", "figure", "verdict"),
    [
        ("rescan-blurred", "blurred", Verdict.RESCAN), ("rescan-not-stored", "not_stored", Verdict.RESCAN),
        ("look-out-of-focus", "soft", Verdict.LOOK), ("look-not-stored", "not_stored", Verdict.LOOK),
        ("look-without-detail", "without_detail", Verdict.LOOK),
    ],
)  # fmt: skip
def test_verdicts_at_below_and_above_each_limit(measure: str, figure: str, verdict: Verdict) -> None:
    limit = LIMITS[measure].value
    lesser = Verdict.OK if verdict is Verdict.LOOK else Verdict.LOOK
    assert judge(**{**GOOD, figure: limit * 0.99})[0] is lesser
    assert judge(**{**GOOD, figure: limit})[0] is lesser
    found, reasons = judge(**{**GOOD, figure: limit * 1.01})
    assert found is verdict
    assert reasons[0].measure == measure
    assert reasons[0].limit == limit


def test_too_little_tissue_at_below_and_above_the_limit() -> None:
    limit = LIMITS["look-tissue"].value
    assert judge(**{**GOOD, "tissue": limit})[0] is Verdict.OK
    assert judge(**{**GOOD, "tissue": limit * 1.01})[0] is Verdict.OK
    assert judge(**{**GOOD, "tissue": limit * 0.99})[0] is Verdict.LOOK


def test_every_limit_has_a_unit_and_a_source() -> None:
    for row in LIMITS.values():
        assert row.unit
        assert len(row.source) > 7


@needs_real_slides
def test_a_real_slide_is_ok_and_blurred_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = SLIDES / "CMU-1-Small-Region.svs"
    assert main(["focus", str(path), "--png", str(tmp_path / "focus.png")]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "ok"
    assert Image.open(io.BytesIO((tmp_path / "focus.png").read_bytes())).size == (5 * 8, 6 * 8)
    with pathology.open_slide(path) as slide:
        picture = slide.region(0, 300, 700, 1200, 1400)
    assert verdict_on(slide_of(blurred(picture, 2))).verdict is Verdict.RESCAN
    assert verdict_on(slide_of(blurred(picture, 1))).verdict is not Verdict.OK
