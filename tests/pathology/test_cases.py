"""Slides after public bug reports: each opens or is refused as its row of `cases.json` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pathology
from tests.pathology.real_files import CASES, ROWS, needs_cases


def ids(row: Any) -> str:
    return str(row["name"]) if isinstance(row, dict) else "none"


@needs_cases
@pytest.mark.parametrize("row", [row for row in ROWS if row["want"] == "opens"] or [None], ids=ids)
def test_what_should_open_opens_with_its_colours_in_place(row: dict[str, Any]) -> None:
    with pathology.open_slide(CASES / row["files"][0]) as slide:
        width, height = row["size"] or row["size_note"]
        assert (slide.width, slide.height) == (width, height)
        for x, y, *rgb in row["probes"]:
            seen = slide.region(0, x - 2, y - 2, 5, 5).reshape(-1, 3).mean(0)
            assert np.abs(seen - rgb).max() <= row["tolerance"]
        if "mpp" in row:
            assert slide.mpp == (None if row["mpp"] is None else pytest.approx(row["mpp"], abs=1e-3))
        assert len(slide.levels) >= row.get("levels_at_least", 1)
        assert row.get("must_not_appear", "\0") not in repr((slide.format, slide.device, slide.notes, slide.scale))


@needs_cases
@pytest.mark.parametrize("row", [row for row in ROWS if row["want"] == "refused"] or [None], ids=ids)
def test_what_should_be_refused_is_refused_in_a_sentence(row: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(pathology.UnreadableSlide) as caught:
        pathology.open_slide(CASES / row["files"][0])
    said = str(caught.value)
    assert f"at byte {caught.value.offset}: " in said
    assert said.endswith(".")
    assert caught.value.advice in said
    assert "Traceback" not in said
    assert str(CASES) not in said


@needs_cases
def test_a_missing_tile_is_drawn_from_the_coarser_level() -> None:
    row = next(row for row in ROWS if row["name"] == "missing-tile.svs")
    with pathology.open_slide(CASES / "missing-tile.svs") as slide:
        x, y = row["empty_tile"]
        assert slide.places(0, x // 256, y // 256) == ()
        assert slide.levels[0].missing == 1
        drawn = slide.region(0, x, y, 120, 256).astype(int)
        coarse = slide.region(1, x // 4, y // 4, 30, 64).astype(int)
        assert np.abs(drawn[::4, ::4] - coarse).mean() < 12
        assert drawn.std() > 5


@needs_cases
def test_missing_frames_of_a_sparse_slide_are_background() -> None:
    row = next(row for row in ROWS if row["name"] == "sparse-shuffled.dcm")
    with pathology.open_slide(CASES / "sparse-shuffled.dcm") as slide:
        assert slide.levels[0].missing == 3
        for x, y in row["missing_at"]:
            assert (slide.region(0, x + 5, y + 5, 20, 20) == 255).all()


@needs_cases
def test_the_label_of_a_series_is_no_level() -> None:
    with pathology.open_slide(CASES / "with-label-volume.dcm") as slide:
        assert [each.name for each in slide.associated] == ["label"]
        assert len(slide.levels) == 1
    with pytest.raises(pathology.UnreadableSlide, match="only a label"):
        pathology.formats.series.open_files([CASES / "with-label-label.dcm"])
