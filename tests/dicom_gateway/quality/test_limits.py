"""Every row of `limits.toml`, met exactly, just kept and just passed, for each kind of image: made from the table itself."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_gateway.quality import LIMITS, Dimension, Evidence, ImageMeasures, assess, series_facts
from tests.dicom_gateway.objects import ct_slice, part10_of

ROWS: list[dict[str, Any]] = tomllib.loads((files("dicom_gateway.quality") / "limits.toml").read_text("utf-8"))["limit"]
MODALITIES = ("CR", "CT", "DX", "MG", "MR", "NM", "PT", "RF", "US", "XA", "OT")
NAMES = [row["measure"] for row in ROWS]
PIXELS = "1.2.3"  # UID of the image on which a figure stands, to be told from figures of the header
FAULTS_ONLY = {"collimated-away", "missing-numbers"}  # shown where they find fault: without one they are no sign of a good image

by_row = pytest.mark.parametrize("row", ROWS, ids=NAMES)


def evidence(row: dict[str, Any], modality: str, *values: float) -> list[Evidence]:
    """What an assessment says of images of this modality on which these values were measured, in the row's dimension."""
    slice_ = ct_slice(Modality=modality)
    facts = series_facts([part10_of(slice_)])
    measures = [ImageMeasures(facts[0].series, PIXELS, modality, values={row["measure"]: value}) for value in values]
    score = assess(facts, measures).scores[Dimension(row["dimension"])]
    return [each for each in score.evidence if each.measure == row["measure"] and each.instance == PIXELS]


def scored(row: dict[str, Any], *values: float) -> int:
    """The score of images that the row applies to."""
    shown = evidence(row, row.get("modalities", MODALITIES)[0], *values)
    if row["measure"] in FAULTS_ONLY and not shown:
        return 100
    (found,) = shown
    assert found.unit == row["unit"]
    return found.score


def test_no_measure_has_two_rows() -> None:
    assert sorted(NAMES) == sorted(LIMITS)


@by_row
def test_good_is_full_marks_and_bad_is_none(row: dict[str, Any]) -> None:
    """Where full marks end and where none begin, to a hundredth of the way between."""
    good, bad = row["good"], row["bad"]
    step = (bad - good) / 100
    assert [scored(row, value) for value in (good - step, good, good + step)] == [100, 100, 99]
    assert [scored(row, value) for value in (bad - step, bad, bad + step)] == [1, 0, 0]
    assert scored(row, (good + bad) / 2) == 50


@by_row
@given(ways=st.lists(st.floats(-1, 2), min_size=2, max_size=2))
def test_worse_never_scores_higher(row: dict[str, Any], ways: list[float]) -> None:
    """`ways` from good (0) to bad (1)."""
    better, worse = (row["good"] + way * (row["bad"] - row["good"]) for way in sorted(ways))
    limit = LIMITS[row["measure"]]
    assert 100 >= limit.score(better) >= limit.score(worse) >= 0


@pytest.mark.parametrize("modality", MODALITIES)
@by_row
def test_a_row_counts_for_its_modalities_and_no_other(row: dict[str, Any], modality: str) -> None:
    assert bool(evidence(row, modality, row["bad"])) == (modality in row.get("modalities", MODALITIES))


@by_row
def test_images_of_a_series_are_put_together_as_the_row_says(row: dict[str, Any]) -> None:
    """One bad image of three: the worst of them counts, or the median does."""
    assert scored(row, row["good"], row["bad"], row["good"]) == {"worst": 0, "median": 100}[row.get("over", "worst")]
