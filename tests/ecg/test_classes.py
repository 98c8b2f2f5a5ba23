"""Which beats are ectopic: by the width of their kind, by the P wave before them, by the rhythm they come in."""

from dataclasses import replace

import numpy as np

import ecg
from tests.ecg.beat_signals import P_AT, beat_times, recording, wave

RATE = 250.0
LEADS = ("II", "V5")


def classes_of(shown: ecg.Recording, times: np.ndarray) -> np.ndarray:
    """Class of the found beat nearest to each time."""
    beats = ecg.find_beats(shown)
    nearest = np.abs(beats[None, :] - times[:, None] * shown.rate).argmin(axis=1)
    return ecg.classify_beats(shown, beats)[nearest]


def test_wide_beats_without_a_p_wave_are_ventricular_even_when_on_time() -> None:
    times = beat_times([0.8] * 300)
    found = classes_of(recording(times, kinds="NNNNV", rate=RATE, leads=LEADS), times)
    wide = np.arange(len(times)) % 5 == 4
    assert (found[wide] == "V").mean() > 0.95
    assert (found[~wide] == "N").mean() > 0.99


def test_wide_beats_after_the_usual_p_wave_are_conducted() -> None:
    times = beat_times([0.8] * 300)
    shown = recording(times, kinds="NNNNV", rate=RATE, leads=LEADS)
    seconds = np.arange(shown.samples.shape[1]) / RATE
    atrial = sum((wave(seconds, at + P_AT, 0.020, 120.0) for at in times[4::5]), np.zeros(len(seconds)))
    conducted = replace(shown, samples=(shown.samples + np.outer((1.0, 1.0), atrial)).astype(np.float32))
    found = classes_of(conducted, times)
    assert (found == "N").mean() > 0.95


def test_no_beat_is_premature_where_the_atria_fibrillate() -> None:
    dice = np.random.default_rng(5)
    times = beat_times(dice.uniform(0.45, 1.1, 400).tolist())
    found = classes_of(recording(times, rate=RATE, leads=LEADS, p=0.0, noise=15.0), times)
    assert not (found == "S").any()


def test_a_lead_whose_electrode_moves_makes_no_ventricular_beats() -> None:
    times = beat_times([0.8] * 300)
    shown = recording(times, rate=RATE, leads=LEADS)
    dice = np.random.default_rng(3)
    moved = shown.samples.copy()
    for at in times[20:280:3]:  # a slow bump of its own on every third QRS of one lead
        seconds = np.arange(shown.samples.shape[1]) / RATE
        moved[0] += wave(seconds, at + dice.uniform(-0.08, 0.08), dice.uniform(0.04, 0.08), dice.choice((-1, 1)) * 900.0).astype(np.float32)
    found = classes_of(replace(shown, samples=moved), times)
    assert (found == "V").mean() < 0.02
