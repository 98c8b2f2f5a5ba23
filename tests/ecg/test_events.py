"""Pauses, runs, couplets, patterns and variability on constructed RR series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg.analysis.events import Event, events
from ecg.analysis.fibrillation import fibrillation
from ecg.analysis.gaps import spans_gap
from ecg.analysis.hrv import variability

RATE = 250.0


def series(kinds: str, intervals: float | list[float] = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Sample indices and classes of beats; one RR for all, or one for each beat after the first."""
    lengths = [intervals] * (len(kinds) - 1) if isinstance(intervals, float) else intervals
    return np.rint(np.concatenate(([0.0], np.cumsum(lengths))) * RATE).astype(np.int64), np.array(list(kinds))


def found(kinds: str, intervals: float | list[float] = 0.8) -> list[Event]:
    beats, classes = series(kinds, intervals)
    return events(beats, RATE, classes)


@pytest.mark.parametrize(
    ("kinds", "rr", "expected"),
    [
        ("NNNN", 0.8, []),
        ("NNVNN", 0.8, []),
        ("NNVVNN", 0.8, [("couplet-V", 2, 3)]),
        ("NNVVVNN", 0.5, [("vt", 2, 4)]),
        ("NNVVVVVNN", 0.8, [("run-V", 2, 6)]),
        ("NNSSNN", 0.8, [("couplet-S", 2, 3)]),
        ("NSSSSN", 0.4, [("svt", 1, 4)]),
        ("NVNVNVNN", 0.8, [("bigeminy", 0, 5)]),
        ("NVNVN", 0.8, []),
        ("NNVNNVNNVN", 0.8, [("trigeminy", 0, 8)]),
        ("VNVNVNV", 0.8, [("bigeminy", 1, 6)]),
    ],
)
def test_what_a_sequence_of_classes_is(kinds: str, rr: float, expected: list[tuple[str, int, int]]) -> None:
    assert [(event.kind, event.first, event.last) for event in found(kinds, rr)] == expected


def test_a_run_has_its_rate_length_and_shortest_interval() -> None:
    (run,) = found("NVVVVN", [0.5, 0.4, 0.3, 0.5, 1.0])
    assert run.kind == "vt"
    assert run.seconds == pytest.approx(1.2)
    assert run.rate == pytest.approx(150.0)
    assert run.shortest_rr == pytest.approx(0.3)
    assert run.beats == 4


def test_pauses_from_two_seconds_on() -> None:
    pauses = found("NNNN", [1.99, 2.0, 3.5])
    assert [(event.kind, event.seconds) for event in pauses] == [
        ("pause", pytest.approx(2.0, abs=0.01)),
        ("pause", pytest.approx(3.5, abs=0.01)),
    ]


def test_an_interval_over_missing_signal_is_no_pause() -> None:
    beats, classes = series("NNNN", [0.8, 5.0, 3.0])
    missing = np.zeros(10)
    missing[3] = 1.0
    gaps = spans_gap(beats, RATE, missing)
    assert gaps.tolist() == [False, False, True, False]
    assert [event.seconds for event in events(beats, RATE, classes, gaps)] == [pytest.approx(3.0)]


@settings(max_examples=100, deadline=None)
@given(st.text("NSV", min_size=0, max_size=60))
def test_events_lie_within_the_beats_and_say_what_the_classes_say(kinds: str) -> None:
    for event in found(kinds) if kinds else []:
        inside = kinds[event.first : event.last + 1]
        assert event.start < event.end
        if event.kind in ("couplet-V", "run-V", "vt"):
            assert set(inside) == {"V"}
        if event.kind == "bigeminy":
            assert all((kind == "V") == (place % 2 == 1) for place, kind in enumerate(inside))


def test_variability_of_two_alternating_intervals() -> None:
    beats, classes = series("N" * 401, [0.8, 0.86] * 200)
    hrv = variability(beats, RATE, classes)
    assert hrv.mean_nn == pytest.approx(830, abs=1)
    assert hrv.sdnn == pytest.approx(30, abs=1)
    assert hrv.rmssd == pytest.approx(60, abs=1)
    assert hrv.pnn50 == pytest.approx(100)


@pytest.mark.parametrize(("hertz", "band"), [(0.1, "lf"), (0.25, "hf"), (0.02, "vlf")])
def test_a_slow_wave_of_the_heart_rate_lies_in_its_band(hertz: float, band: str) -> None:
    times = [0.0]
    while times[-1] < 900:
        times.append(times[-1] + 0.8 + 0.05 * np.sin(2 * np.pi * hertz * times[-1]))
    beats = np.rint(np.array(times) * 1000).astype(np.int64)
    hrv = variability(beats, 1000.0, np.full(len(beats), "N"))
    powers = {"vlf": hrv.vlf, "lf": hrv.lf, "hf": hrv.hf}
    assert powers[band] == pytest.approx(0.5 * 50**2, rel=0.25)
    assert powers[band] > 0.8 * sum(power for power in powers.values() if power is not None)


def test_ectopic_beats_do_not_enter_variability() -> None:
    intervals = [0.8] * 100
    intervals[50], intervals[51] = 0.5, 1.1
    beats, classes = series("N" * 51 + "V" + "N" * 49, intervals)
    hrv = variability(beats, RATE, classes)
    assert hrv.intervals == 98
    assert hrv.sdnn == pytest.approx(0, abs=2)


def test_too_few_intervals_have_no_variability() -> None:
    beats, classes = series("NNNN")
    assert variability(beats, RATE, classes).sdnn is None


def test_fibrillation_is_irregular_and_has_no_repeating_p() -> None:
    dice = np.random.default_rng(5)
    intervals = [0.8] * 200 + dice.uniform(0.45, 1.1, 200).tolist() + [0.8] * 200
    beats, classes = series("N" * 601, intervals)
    likeness = np.where((np.arange(601) > 200) & (np.arange(601) <= 400), 0.1, 0.9)
    (span,) = fibrillation(beats, RATE, classes, likeness)
    assert span.first == pytest.approx(beats[200], abs=20 * RATE)
    assert span.last == pytest.approx(beats[400], abs=20 * RATE)
    assert span.irregularity > 0.1
    assert span.shortest_rr >= 0.44
    assert fibrillation(beats, RATE, classes, np.full(601, 0.9)) == []


@pytest.mark.parametrize("pattern", [[0.8], [0.5, 1.1], [0.8, 0.5, 1.1], [0.8, 0.8, 0.5, 1.1]])
def test_a_pattern_is_not_fibrillation(pattern: list[float]) -> None:
    intervals = (pattern * 400)[:400]
    beats, classes = series("N" * 401, intervals)
    assert fibrillation(beats, RATE, classes, np.zeros(401)) == []
