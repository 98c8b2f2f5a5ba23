"""Statements, reversals, quality and critical values of resting ECGs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import ecg
from ecg.analysis.critical import Limit, default_limits, limits_with
from ecg.analysis.filters import zero_phase
from ecg.analysis.potassium import potassium_signs
from ecg.analysis.rhythm import CODES
from ecg.leads import STANDARD_12
from ecg.synthesis import KINDS, POOR, resting
from tests import real_files
from tests.ecg.beat_signals import beat_times, recording

LUDB = real_files.files("ecg/ludb/*.hea")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("sinus", "sinus-rhythm"),
        ("bradycardia", "sinus-bradycardia"),
        ("tachycardia", "sinus-tachycardia"),
        ("sinus-pause", "pause"),
        ("atrial-fibrillation", "atrial-fibrillation"),
        ("ventricular-ectopics", "ventricular-ectopy"),
        ("bigeminy", "bigeminy"),
        ("ventricular-tachycardia-run", "vt"),
        ("left-bundle-branch-block", "wide-qrs"),
        ("long-qt", "long-qtc"),
        ("hyperkalaemia", "hyperkalaemia-suspected"),
        ("torsades", "polymorphic-tachycardia-suspected"),
        ("ventricular-fibrillation", "ventricular-fibrillation-suspected"),
    ],
)
def test_the_rhythm_is_named_with_its_evidence(kind: str, code: str) -> None:
    statements = {statement.code: statement for statement in ecg.rhythm(resting(kind).recording).statements}
    assert code in statements
    assert statements[code].evidence
    assert set(statements) <= set(CODES)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "fibrillation" not in kind])
def test_no_other_rhythm_is_called_fibrillation(kind: str) -> None:
    assert "atrial-fibrillation" not in [statement.code for statement in ecg.rhythm(resting(kind).recording).statements]


def test_a_silent_recording_is_unreadable() -> None:
    silent = ecg.Recording(("I", "II"), np.zeros((2, 5000), np.float32), 500.0)
    (statement,) = ecg.rhythm(silent).statements
    assert statement.code == "unreadable"
    assert statement.evidence == {"beats": 0.0, "confidence": 0.0}


def noise(level: float, low: float, high: float | None, seed: int = 0) -> ecg.Recording:
    dice = np.random.default_rng(seed)
    rows = [zero_phase(dice.normal(size=5000), 500.0, 2, low, high) for _ in STANDARD_12]
    return ecg.Recording(STANDARD_12, np.stack([row * (level / row.std()) for row in rows]).astype(np.float32), 500.0)


@pytest.mark.parametrize(("low", "high"), [(0.5, None), (20.0, None), (1.0, 8.0)])
@pytest.mark.parametrize("level", [100.0, 400.0])
def test_noise_of_any_colour_is_unreadable_and_no_critical_value(low: float, high: float | None, level: float) -> None:
    for seed in range(3):
        shown = noise(level, low, high, seed)
        measured = ecg.measure(shown)
        found = ecg.rhythm(shown, measurements=measured)
        assert [statement.code for statement in found.statements] == ["unreadable"]
        assert ecg.critical_values(measured, found) == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "hyperkalaemia"])
def test_no_other_kind_has_peaked_t_waves(kind: str) -> None:
    for seed in range(8):
        codes = {
            statement.code for statement in ecg.rhythm(resting(kind, seed=seed, noise=POOR if seed % 3 == 2 else None).recording).statements
        }
        assert not codes & {"peaked-t", "hyperkalaemia-suspected"}


@real_files.needs("ecg/ludb/*.hea")
def test_no_peaked_t_waves_and_few_critical_values_in_ludb() -> None:
    """The one with a critical QTc fibrillates and is annotated with repolarisation abnormalities of four walls."""
    critical = set()
    for path in LUDB:
        shown = ecg.read(path)
        measured = ecg.measure(shown)
        assert potassium_signs(measured).count == 0, path.stem
        critical |= {(path.stem, hit.limit.code) for hit in ecg.critical_values(measured, ecg.rhythm(shown, measurements=measured))}
    assert critical <= {("88", "qtc")}


@pytest.mark.parametrize("seed", range(3))
def test_a_run_of_tachycardia_does_not_become_the_measured_beat(seed: int) -> None:
    """12 of its beats lie among 9 of the sinus rhythm, which is what is measured."""
    shown = resting("ventricular-tachycardia-run", seed=seed).recording
    measured = ecg.measure(shown)
    found = ecg.rhythm(shown, measurements=measured)
    assert measured.qrs_duration is not None
    assert measured.qrs_duration < 120
    assert measured.qtc_bazett == pytest.approx(440, abs=25)
    assert {"vt", "sinus-tachycardia"} <= {statement.code for statement in found.statements}
    assert ecg.critical_values(measured, found) == []


@pytest.mark.parametrize(("kind", "rate", "code"), [("V", 180, "wide-tachycardia"), ("V", 160, "wide-tachycardia"), ("V", 130, None)])
def test_a_wide_tachycardia_that_fills_the_strip_is_critical(kind: str, rate: float, code: str | None) -> None:
    shown = recording(beat_times([60 / rate] * int(rate / 6)), kinds=kind, p=0.0)
    measured = ecg.measure(shown)
    hits = [hit.limit.code for hit in ecg.critical_values(measured, ecg.rhythm(shown, measurements=measured))]
    assert hits == ([code] if code else [])


def stopped(at: float, *, reverse: bool = False) -> ecg.Recording:
    """Sinus rhythm that ends (or, backwards, begins) `at` seconds: the rest is what electrodes on skin always show."""
    going = resting().recording
    samples = going.samples.copy()
    first = int(at * going.rate)
    samples[:, first:] = noise(8.0, 0.5, None).samples[:, first:]
    return replace(going, samples=np.ascontiguousarray(samples[:, ::-1]) if reverse else samples)


@pytest.mark.parametrize("at", [1.0, 3.0, 6.0])
@pytest.mark.parametrize("reverse", [False, True])
def test_silence_at_an_end_is_a_pause_and_critical(at: float, reverse: bool) -> None:
    shown = stopped(at, reverse=reverse)
    measured = ecg.measure(shown)
    found = ecg.rhythm(shown, measurements=measured)
    (pause,) = [statement for statement in found.statements if statement.code == "pause"]
    assert pause.evidence["longest_seconds"] == pytest.approx(10 - at, abs=1.0)
    assert "pause" in [hit.limit.code for hit in ecg.critical_values(measured, found)]


def test_no_beat_at_all_with_the_electrodes_on_is_suspected_asystole() -> None:
    shown = stopped(0.0)
    found = ecg.rhythm(shown)
    assert [statement.code for statement in found.statements] == ["asystole-suspected"]
    assert [hit.limit.code for hit in ecg.critical_values(ecg.measure(shown), found)] == ["pause"]


def test_beats_lost_in_noise_are_no_pause() -> None:
    quiet = resting("sinus-pause").recording
    inside = next(statement for statement in ecg.rhythm(quiet).statements if statement.code == "pause").spans[0]
    first, last = inside[0] + 100, inside[1] - 100
    samples = quiet.samples.copy()
    samples[:, first:last] += noise(700.0, 1.0, 8.0).samples[:, first:last]
    beats = ecg.find_beats(quiet)
    codes = [statement.code for statement in ecg.rhythm(replace(quiet, samples=samples), beats).statements]
    assert "pause" not in codes


def test_missing_signal_changes_neither_the_rate_nor_the_rhythm() -> None:
    whole = resting().recording
    samples = whole.samples.copy()
    samples[:, 1000:1500] = np.nan
    samples[2] = np.nan
    shown = replace(whole, samples=samples)
    assert ecg.measure(shown).rate == pytest.approx(ecg.measure(whole).rate, abs=3)
    assert [statement.code for statement in ecg.rhythm(shown).statements] == ["sinus-rhythm"]
    assert ecg.lead_reversal(shown) == []


def test_swapped_arms_are_seen() -> None:
    (found,) = ecg.lead_reversal(resting("limb-lead-reversal").recording)
    assert found.electrodes == ("RA", "LA")
    assert found.evidence["p_area_I"] < 0 < found.evidence["p_area_V6"]


@pytest.mark.parametrize("kind", ["sinus", "tachycardia", "atrial-fibrillation", "left-bundle-branch-block", "inferior-infarction"])
def test_leads_in_place_raise_no_suspicion(kind: str) -> None:
    assert ecg.lead_reversal(resting(kind).recording) == []


def test_an_arm_on_the_right_leg_is_seen() -> None:
    placed = recording(beat_times([0.8] * 11))
    row = {lead: placed.samples[number] for number, lead in enumerate(placed.leads)}
    flat = np.random.default_rng(2).normal(0, 5, row["II"].shape).astype(np.float32)
    swapped = {"II": flat, "I": row["II"], "III": row["II"] * np.float32(-1)}
    samples = np.stack([swapped.get(lead, row[lead]) for lead in placed.leads])
    (found,) = ecg.lead_reversal(replace(placed, samples=samples))
    assert found.electrodes == ("RA", "RL")


def test_quality_names_what_is_wrong() -> None:
    clean = recording(beat_times([0.8] * 11), leads=("I", "II", "V1", "V2", "V3"))
    samples = clean.samples.copy()
    dice = np.random.default_rng(4)
    samples[1, : samples.shape[1] // 2] = np.nan
    samples[2] = 0.0
    samples[3] += dice.normal(0, 300, samples.shape[1]).astype(np.float32)
    samples[4] = np.clip(samples[4] * 40, -1000, 1000)
    good, missing, flat, noisy, clipped = ecg.signal_quality(replace(clean, samples=samples))
    assert (good.grade, good.reasons) == ("good", ())
    assert (missing.grade, missing.reasons) == ("poor", ("missing",))
    assert missing.missing == pytest.approx(0.5, abs=0.01)
    assert flat.grade == "poor"
    assert "flat" in flat.reasons
    assert noisy.grade == "poor"
    assert "noise" in noisy.reasons
    assert "clipped" in clipped.reasons


def hits(kind: str, table: tuple[Limit, ...] | None = None) -> list[str]:
    shown = resting(kind).recording
    measured = ecg.measure(shown)
    return [hit.limit.code for hit in ecg.critical_values(measured, ecg.rhythm(shown, measurements=measured), table)]


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("sinus", []),
        ("tachycardia", []),
        ("sinus-pause", ["pause"]),
        ("complete-block", ["slow"]),
        ("anterior-infarction", ["st-limb-lateral", "st-anterior"]),
        ("hyperkalaemia", ["hyperkalaemia"]),
        ("torsades", ["polymorphic-tachycardia"]),
        ("ventricular-fibrillation", ["ventricular-fibrillation"]),
    ],
)
def test_critical_values_of_resting_ecgs(kind: str, codes: list[str]) -> None:
    assert hits(kind) == codes


def test_a_region_sets_its_own_limits() -> None:
    stricter = Limit("slow", "any", "mean_rate", at_most=50.0, unit="1/min")
    assert hits("bradycardia") == []
    assert hits("bradycardia", limits_with({"slow": stricter})) == ["slow"]
    assert hits("complete-block", limits_with({"slow": None})) == []
    assert {limit.code for limit in limits_with({"slow": None})} == {limit.code for limit in default_limits()} - {"slow"}


def test_a_misspelt_row_is_refused() -> None:
    with pytest.raises(ValueError, match="no critical value slwo; the table has"):
        limits_with({"slwo": None})


@pytest.mark.parametrize("limit", [{"at_least": 1.0, "at_most": 2.0}, {}])
def test_a_limit_has_one_direction(limit: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="either at_least or at_most"):
        Limit("slow", "any", "mean_rate", **limit)
