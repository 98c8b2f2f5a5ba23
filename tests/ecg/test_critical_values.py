"""Every row of the table of critical values at, below and above its limit, and the limits that stand beside the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

import ecg
from ecg.analysis.critical import ANTERIOR, LIMB_LATERAL, LONG_PAUSE, SUSTAINED, WIDE, Limit, default_limits
from ecg.analysis.events import Event
from ecg.analysis.fibrillation import Fibrillation
from ecg.analysis.measurements import Measurements
from ecg.analysis.rhythm import Rhythm, Statement
from ecg.analysis.ventricular_waves import Waves
from ecg.synthesis import resting
from tests.ecg.beat_signals import beat_times, recording

RATE = 500.0
Shown = tuple[Measurements, Rhythm | ecg.HolterReport]


@pytest.fixture(scope="module")
def quiet() -> Rhythm:
    """A resting ECG of which nothing was found but its rate."""
    found = ecg.rhythm(resting("sinus").recording)
    silent = {"statements": (), "events": (), "fibrillation": (), "waves": (), "longest_rr": 0.8, "qrs_duration": 90.0}
    return replace(found, rate=70.0, sampling_rate=RATE, **silent)


@pytest.fixture(scope="module")
def quiet_holter() -> ecg.HolterReport:
    """A minute of a long recording of which nothing was found but its beats."""
    found = ecg.holter(recording(beat_times([0.8] * 74), rate=RATE))
    return replace(found, duration=60.0, missing=np.zeros(0), beats=np.arange(70), events=(), fibrillation=(), waves=(), rate=RATE)


def event(kind: str, seconds: float = SUSTAINED, rate: float = 0.0, start: int = 0) -> Event:
    return Event(kind, 0, 1, start, start + 100, seconds, rate, seconds)


def fibrillation(rate: float = 100.0, shortest_rr: float = 0.5, last: int = 1000) -> Fibrillation:
    return Fibrillation(0, last, 0.2, 0.1, rate, 1.0, shortest_rr)


def waves(kind: str, seconds: float) -> Waves:
    return Waves(0, round(seconds * RATE), kind, 300.0, 0.5, 0.3, 0.5)


def potassium(signs: float) -> Measurements:
    """Peaked T waves are the first sign; a long PR and a wide QRS are the next two."""
    peaked = {"V2": 1.5, "V3": 1.5} if signs else {}
    width = dict.fromkeys(peaked, 70.0)
    return Measurements(t_height=peaked, t_width=width, pr=220.0 if signs > 1 else 160.0, qrs_duration=140.0 if signs > 2 else 90.0)


NOTHING = Measurements()
RESTING: Mapping[str, Callable[[Rhythm, float], Shown]] = {
    "longest_rr": lambda found, v: (NOTHING, replace(found, longest_rr=v)),
    "mean_rate": lambda found, v: (NOTHING, replace(found, rate=v)),
    "fastest_supraventricular": lambda found, v: (NOTHING, replace(found, events=(event("svt", rate=v),))),
    "fastest_fibrillation": lambda found, v: (NOTHING, replace(found, fibrillation=(fibrillation(v),))),
    "sustained_vt_rate": lambda found, v: (NOTHING, replace(found, events=(event("vt", rate=v),))),
    "wide_tachycardia_rate": lambda found, v: (NOTHING, replace(found, rate=v, statements=(Statement("regular-wide-tachycardia"),))),
    "ventricular_fibrillation_seconds": lambda found, v: (NOTHING, replace(found, waves=(waves("ventricular-fibrillation", v),))),
    "polymorphic_tachycardia_seconds": lambda found, v: (NOTHING, replace(found, waves=(waves("polymorphic-tachycardia", v),))),
    "ventricular_flutter_seconds": lambda found, v: (NOTHING, replace(found, waves=(waves("ventricular-flutter", v),))),
    "shortest_rr_wide_fibrillation": lambda found, v: (
        NOTHING,
        replace(found, qrs_duration=WIDE, fibrillation=(fibrillation(shortest_rr=v),)),
    ),
    "qtc": lambda found, v: (Measurements(qtc_bazett=v), found),
    "potassium_signs": lambda found, v: (potassium(v), found),
    "st_limb_lateral": lambda found, v: (Measurements(st_j={"II": v, "aVF": v}), found),
    "st_anterior": lambda found, v: (Measurements(st_j={"V2": v, "V3": v}), found),
}
"""A resting ECG in which a measure of the table has this value."""

HOLTER: Mapping[str, Callable[[ecg.HolterReport, float], Shown]] = {
    "longest_rr_fibrillation": lambda found, v: (NOTHING, replace(found, events=(event("pause", v),), fibrillation=(fibrillation(),))),
    "longest_rr_sinus": lambda found, v: (NOTHING, replace(found, events=(event("pause", v, start=2000),), fibrillation=(fibrillation(),))),
    "pauses_of_3_s": lambda found, v: (NOTHING, replace(found, events=tuple(event("pause", LONG_PAUSE) for _ in range(int(v))))),
    "mean_rate": lambda found, v: (NOTHING, replace(found, beats=np.arange(100), duration=6000.0 / v)),
    "fastest_supraventricular": lambda found, v: (NOTHING, replace(found, events=(event("svt", rate=v),))),
    "fastest_fibrillation": lambda found, v: (NOTHING, replace(found, fibrillation=(fibrillation(v),))),
    "sustained_vt_rate": lambda found, v: (NOTHING, replace(found, events=(event("vt", rate=v),))),
    "ventricular_fibrillation_seconds": lambda found, v: (NOTHING, replace(found, waves=(waves("ventricular-fibrillation", v),))),
    "polymorphic_tachycardia_seconds": lambda found, v: (NOTHING, replace(found, waves=(waves("polymorphic-tachycardia", v),))),
    "ventricular_flutter_seconds": lambda found, v: (NOTHING, replace(found, waves=(waves("ventricular-flutter", v),))),
    "qtc": lambda found, v: (Measurements(qtc_bazett=v), found),
}
"""A long recording in which a measure of the table has this value; what is measured on resting ECGs alone is not here."""


def around(limit: Limit) -> list[tuple[float, bool]]:
    """Values below, at and above a row's limit, and whether the row is reached by each. Counts are whole."""
    edge = limit.at_least if limit.at_least is not None else limit.at_most
    assert edge is not None
    step = 1.0 if isinstance(edge, int) else edge / 100
    return [(value, value >= edge if limit.at_least is not None else value <= edge) for value in (edge - step, edge, edge + step)]


ROWS = [(limit, value, reached) for limit in default_limits() for value, reached in around(limit)]


def codes(shown: Shown) -> set[str]:
    return {hit.limit.code for hit in ecg.critical_values(*shown)}


@pytest.mark.parametrize(("limit", "value", "reached"), [row for row in ROWS if row[0].scope != "holter"])
def test_a_row_at_below_and_above_its_limit_in_a_resting_ecg(quiet: Rhythm, limit: Limit, value: float, reached: bool) -> None:
    assert (limit.code in codes(RESTING[limit.measure](quiet, value))) is reached


@pytest.mark.parametrize(("limit", "value", "reached"), [row for row in ROWS if row[0].scope != "resting" and row[0].measure in HOLTER])
def test_a_row_at_below_and_above_its_limit_in_a_long_recording(
    quiet_holter: ecg.HolterReport, limit: Limit, value: float, reached: bool
) -> None:
    assert (limit.code in codes(HOLTER[limit.measure](quiet_holter, value))) is reached


def test_every_row_is_tried_in_each_recording_that_it_is_for() -> None:
    resting_only = {"shortest_rr_wide_fibrillation"}  # of a long recording no QRS duration is measured
    assert {limit.measure for limit in default_limits() if limit.scope != "holter"} == set(RESTING)
    assert {limit.measure for limit in default_limits() if limit.scope != "resting"} - resting_only == set(HOLTER)


def test_nothing_is_critical_where_nothing_was_found(quiet: Rhythm, quiet_holter: ecg.HolterReport) -> None:
    assert codes((NOTHING, quiet)) == codes((NOTHING, quiet_holter)) == set()


NEIGHBOURS = [("st-limb-lateral", pair) for pair in LIMB_LATERAL] + [("st-anterior", pair) for pair in ANTERIOR]


@pytest.mark.parametrize(("code", "pair"), NEIGHBOURS)
@pytest.mark.parametrize("low", [0, 1])
def test_an_st_elevation_counts_in_two_neighbouring_leads_and_not_in_one(quiet: Rhythm, code: str, pair: tuple[str, str], low: int) -> None:
    edge = next(limit.at_least for limit in default_limits() if limit.code == code) or 0.0
    both = dict.fromkeys(pair, edge)
    assert code in codes((Measurements(st_j=both), quiet))
    assert code not in codes((Measurements(st_j=both | {pair[low]: edge - 0.01}), quiet))
    assert code not in codes((Measurements(st_j={pair[low]: 10 * edge}), quiet))


@pytest.mark.parametrize(("seconds", "counts"), [(LONG_PAUSE - 0.01, False), (LONG_PAUSE, True), (LONG_PAUSE + 0.01, True)])
def test_a_pause_counts_from_three_seconds(quiet_holter: ecg.HolterReport, seconds: float, counts: bool) -> None:
    found = replace(quiet_holter, events=tuple(event("pause", seconds) for _ in range(3)))
    assert ("pauses" in codes((NOTHING, found))) is counts


@pytest.mark.parametrize(("seconds", "counts"), [(SUSTAINED - 0.01, False), (SUSTAINED, True), (SUSTAINED + 0.01, True)])
def test_a_tachycardia_is_sustained_from_thirty_seconds(quiet: Rhythm, seconds: float, counts: bool) -> None:
    found = replace(quiet, events=(event("vt", seconds, rate=200.0),))
    assert ("ventricular-tachycardia" in codes((NOTHING, found))) is counts


@pytest.mark.parametrize(("width", "counts"), [(WIDE - 1, False), (WIDE, True), (WIDE + 1, True)])
def test_a_fibrillation_is_wide_from_its_limit(quiet: Rhythm, width: float, counts: bool) -> None:
    found = replace(quiet, qrs_duration=width, fibrillation=(fibrillation(shortest_rr=0.2),))
    assert ("pre-excited-fibrillation" in codes((NOTHING, found))) is counts
