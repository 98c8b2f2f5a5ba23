"""ST changes that are stated: in neighbouring leads, above the limits for the lead and the sex, never with a wide QRS."""

import pytest

import ecg
from ecg.analysis.measurements import Measurements
from ecg.analysis.st_changes import depressed, elevated
from ecg.synthesis import KINDS, resting


def measured(**st: float) -> Measurements:
    return Measurements(qrs_duration=90.0, st=dict(st), st_j=dict(st))


@pytest.mark.parametrize(
    ("st", "sex", "leads"),
    [
        ({"II": 0.12, "aVF": 0.11, "III": 0.02}, "male", ["II", "aVF"]),
        ({"II": 0.12, "aVF": 0.02, "III": 0.12}, "male", []),
        ({"V2": 0.17, "V3": 0.16}, "female", ["V2", "V3"]),
        ({"V2": 0.17, "V3": 0.16}, "male", []),
        ({"V2": 0.17, "V3": 0.16}, "", []),
        ({"V3": 0.3, "V4": 0.1, "V5": 0.05}, "unknown", ["V3", "V4"]),
        ({"V6": 0.2, "I": 0.2}, "male", []),
    ],
)
def test_elevation_needs_a_neighbour_and_the_limit_of_the_lead(st: dict[str, float], sex: str, leads: list[str]) -> None:
    assert list(elevated(measured(**st), sex)) == leads


def test_depression_lasts_beyond_the_j_point() -> None:
    numbers = measured(V4=-0.1, V5=-0.08, V6=-0.06)
    assert depressed(numbers) == {"V4": -0.1, "V5": -0.08, "V6": -0.06}
    rising = Measurements(qrs_duration=90.0, st={"V4": 0.0, "V5": 0.05}, st_j={"V4": -0.1, "V5": -0.08})
    assert depressed(rising) == {}


@pytest.mark.parametrize("qrs", [None, 120.0, 160.0])
def test_nothing_is_said_of_a_wide_or_unmeasured_qrs(qrs: float | None) -> None:
    level = {"V1": 0.4, "V2": 0.5, "V5": -0.2, "V6": -0.2}
    numbers = Measurements(qrs_duration=qrs, st=level, st_j=level)
    assert elevated(numbers, "male") == {}
    assert depressed(numbers) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_only_infarctions_are_stated_to_have_st_changes(kind: str) -> None:
    found = {
        each.code: list(each.evidence) for each in ecg.rhythm(resting(kind, seed=3).recording).statements if each.code.startswith("st-")
    }
    if kind == "inferior-infarction":
        assert found["st-elevation"] == ["st_II", "st_III", "st_aVF"]
        assert "st_aVL" in found["st-depression"]
    elif kind == "anterior-infarction":
        assert {"st_V2", "st_V3", "st_V4"} <= set(found["st-elevation"])
    else:
        assert found == {}
