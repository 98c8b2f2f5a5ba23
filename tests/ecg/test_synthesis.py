"""Synthetic ECGs: identities of the leads, rhythm and shape as named, truth that fits the samples."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pytest

from ecg.leads import STANDARD_12
from ecg.synthesis import KINDS, POOR, QUIET, Day, Synthetic, holter, resting

Floats = npt.NDArray[np.float64]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("noise", [QUIET, POOR], ids=["quiet", "poor"])
def test_limb_leads_keep_their_identities(kind: str, noise) -> None:  # type: ignore[no-untyped-def]  # Noise
    recording = resting(kind, noise=noise).recording
    assert recording.leads == STANDARD_12
    one, two, three, avr, avl, avf = recording.samples[:6].astype(np.float64)
    np.testing.assert_allclose(three, two - one, atol=0.01)
    np.testing.assert_allclose(avr + avl + avf, 0, atol=0.01)
    np.testing.assert_allclose(avf, two - one / 2, atol=0.01)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"torsades", "ventricular-fibrillation"}])
def test_beats_stand_on_qrs_complexes(kind: str) -> None:
    made = resting(kind, noise=QUIET, seconds=20)
    samples = made.recording.samples[6:]
    slope = np.abs(np.diff(samples, axis=1)).max(axis=0)
    inside = [beat for beat in made.beats.tolist() if 60 < beat < samples.shape[1] - 60]
    assert len(inside) > 8
    assert len(made.labels) == len(made.beats)
    busiest = [slope[beat - 50 : beat + 50].max() for beat in inside]
    assert min(busiest) > 0.25 * np.median(busiest)


def rr(made: Synthetic) -> Floats:
    return np.diff(made.beats) / made.recording.rate


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("sinus", 68, 76), ("bradycardia", 43, 49), ("tachycardia", 128, 136), ("complete-block", 32, 36),
     ("atrial-flutter", 74, 76), ("atrial-fibrillation", 98, 118), ("ventricular-paced", 69, 71)],
)  # fmt: skip
def test_rates(kind: str, low: float, high: float) -> None:
    assert low < 60 / rr(resting(kind, seconds=60)).mean() < high


def test_rhythms_are_as_named() -> None:
    assert rr(resting("sinus", seconds=60)).std() < 0.03
    assert rr(resting("atrial-fibrillation", seconds=60)).std() > 0.08
    assert rr(resting("sinus-pause")).max() == pytest.approx(3.4, abs=0.1)
    assert Counter(resting("bigeminy", seconds=30).labels)["V"] == pytest.approx(18, abs=3)
    run = "".join(resting("ventricular-tachycardia-run", seconds=12).labels)
    assert max(len(list(group)) for label, group in itertools.groupby(run) if label == "V") == 12
    assert set(resting("ventricular-paced").labels) == {"/"}
    assert set(resting("left-bundle-branch-block").labels) == {"L"}
    assert set(resting("right-bundle-branch-block").labels) == {"R"}


def st_level(made: Synthetic, lead: str) -> float:
    """Microvolts 70 ms after a normal QRS, against the level before it."""
    row, rate = made.recording.lead(lead), made.recording.rate
    beat = int(made.beats[3])
    before, after = (beat + round(ms / 1000 * rate) for ms in (-65, 110))
    return float(row[after] - row[before])


def test_infarctions_raise_the_leads_that_face_them() -> None:
    inferior, anterior, normal = (resting(kind, noise=QUIET) for kind in ("inferior-infarction", "anterior-infarction", "sinus"))
    for lead in ("II", "III", "aVF"):
        assert st_level(inferior, lead) > 150
        assert st_level(anterior, lead) < -30
    for lead in ("V2", "V3", "V4"):
        assert st_level(anterior, lead) > 200
    assert st_level(inferior, "aVL") < -100
    assert max(abs(st_level(normal, lead)) for lead in STANDARD_12) < 40


def test_hypertrophy_meets_sokolow_and_lyon() -> None:
    made = resting("left-ventricular-hypertrophy", noise=QUIET).recording
    assert made.lead("V5").max() - made.lead("V1").min() > 3500


def test_swapped_arms_turn_lead_one_over() -> None:
    right, swapped = (resting(kind, noise=QUIET).recording for kind in ("sinus", "limb-lead-reversal"))
    np.testing.assert_allclose(swapped.lead("I"), -right.lead("I"), atol=0.01)
    np.testing.assert_allclose(swapped.lead("II"), right.lead("III"), atol=0.01)
    np.testing.assert_allclose(swapped.lead("V3"), right.lead("V3"), atol=0.01)


def test_the_same_seed_gives_the_same_samples_and_another_another() -> None:
    first, again, other = (resting(seed=seed).recording.samples for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("wrong", [{"kind": "asystole"}, {"seconds": 0.5}, {"seconds": 1e6}])
def test_what_cannot_be_made(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="synthetic"):
        resting(**wrong)  # type: ignore[arg-type]  # each case is wrong in one argument


def test_a_holter_day_has_what_was_planned() -> None:
    day = Day(
        fibrillation=((0.4, 0.1),), pauses=((0.2, 3.2), (0.7, 2.7)), runs=((0.3, 6),), ventricular_share=0.02,
        supraventricular_share=0.01,
    )  # fmt: skip
    made = holter(1.0, day=day, seed=2, start=datetime(2025, 11, 20, 22))
    recording = made.recording
    assert recording.samples.shape == (3, 900_000)
    assert recording.samples.dtype == np.float32
    assert Counter(name for name, *_ in made.episodes) == {"AF": 1, "pause": 2, "VT": 1}
    assert np.all(np.diff(made.beats) > 0)
    for name, begin, end in made.episodes:
        inside = (made.beats >= begin * 250) & (made.beats <= (end + 0.1) * 250)
        labels = [label for label, kept in zip(made.labels, inside.tolist(), strict=True) if kept]
        if name == "VT":
            assert labels.count("V") == 6
        if name == "pause":
            assert rr(made).max() >= end - begin - 0.01
    shares = Counter(made.labels)
    assert 0.01 < shares["V"] / len(made.labels) < 0.035
    assert 0.004 < shares["A"] / len(made.labels) < 0.02


def test_a_holter_sleeps_at_night() -> None:
    quiet = Day(fibrillation=(), pauses=(), runs=(), ventricular_share=0, supraventricular_share=0)
    night, noon = (holter(0.2, day=quiet, start=datetime(2025, 11, 20, hour)) for hour in (4, 14))
    assert 60 / rr(night).mean() < 60
    assert 60 / rr(noon).mean() > 70


def test_a_holter_of_no_length() -> None:
    with pytest.raises(ValueError, match="lasts"):
        holter(0)
