"""Boundaries of P, QRS and T on LUDB (Kalyakulina 2020): the reference over all leads, and the measured difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb

import ecg
from ecg.analysis.delineation import delineate
from ecg.analysis.median_beat import BEFORE, RATE, median_beat

LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
INTERVALS = {"p": "p_duration", "pr": "pr", "qrs": "qrs_duration", "qt": "qt"}
LIMITS = {"p": (10, 15), "pr": (10, 10), "qrs": (10, 10), "qt": (25, 30)}
"""most mean and standard deviation in ms (CSE, IEC 60601-2-25), the four per cent farthest from the median dropped"""
BOUNDS = ("p_onset", "p_offset", "qrs_onset", "qrs_offset", "t_offset")
KEPT = 0.96
EARLY, LATE = 0.1, 0.9
"""the global onset and offset are these quantiles of the leads' own"""
P_LEADS = 6
SAME_BEAT = 0.1
"""seconds within which a measured beat and an annotated one are the same"""

Errors = dict[str, list[float]]
Waves = dict[str, list[tuple[int, int]]]
Reference = dict[str, float]


def ludb_errors(folder: Path) -> Errors:
    """Measured less reference in ms over the records of a folder, by interval and by bound; one value a record."""
    errors: Errors = {name: [] for name in (*INTERVALS, *BOUNDS)}
    for header in sorted(folder.glob("*.hea"), key=lambda path: int(path.stem)):
        reference = _reference(header.with_suffix(""))
        recording = ecg.read(header)
        measured = ecg.measure(recording)
        for name, field in INTERVALS.items():
            value, truth = getattr(measured, field), [_interval(beat, name) for beat in reference]
            known = [each for each in truth if each is not None]
            if value is not None and known:
                errors[name].append(value - float(np.median(known)))
        for name, value in _bound_errors(recording, reference).items():
            errors[name].append(value)
    return errors


def _bound_errors(recording: ecg.Recording, reference: list[Reference]) -> dict[str, float]:
    """Median over the beats of one record of each bound's error in ms."""
    beat = median_beat(recording, ecg.find_beats(recording))
    found = delineate(beat) if beat is not None else None
    if beat is None or found is None:
        return {}
    errors: Errors = {}
    for truth in reference:
        middle = (truth["qrs_onset"] + truth["qrs_offset"]) / 2
        centre = float(beat.centres[np.argmin(np.abs(beat.centres / RATE * 1000 - middle))]) / RATE * 1000
        if abs(centre - middle) > SAME_BEAT * 1000:
            continue
        for name in BOUNDS:
            at = getattr(found, name)
            if at is not None and name in truth:
                errors.setdefault(name, []).append(centre + (at - BEFORE) / RATE * 1000 - truth[name])
    return {name: float(np.median(values)) for name, values in errors.items()}


def summary(errors: Errors) -> list[str]:
    """One line for each interval and each bound."""
    lines = ["intervals and bounds on LUDB, ms (4 % farthest from the median dropped)"]
    for name, values in errors.items():
        kept = sorted(values, key=lambda value: abs(value - np.median(values)))[: int(KEPT * len(values))]
        if kept:
            limits = ", limits {} ± {}".format(*LIMITS[name]) if name in LIMITS else ""
            lines.append(f"{name:<11} {np.mean(kept):+6.1f} ± {np.std(kept):5.1f} over {len(kept)} of {len(values)}{limits}")
    return lines


def _interval(beat: Reference, name: str) -> float | None:
    first, last = {
        "p": ("p_onset", "p_offset"),
        "pr": ("p_onset", "qrs_onset"),
        "qrs": ("qrs_onset", "qrs_offset"),
        "qt": ("qrs_onset", "t_offset"),
    }[name]
    return beat[last] - beat[first] if first in beat and last in beat else None


def _reference(record: Path) -> list[Reference]:
    """Bounds in ms from the record's beginning of each beat annotated in lead II; those of P where six leads show one."""
    leads = [_waves(record, lead) for lead in LEADS]
    rate = wfdb.rdheader(str(record)).fs
    found = []
    for first, last in leads[1]["N"]:
        middle = (first + last) / 2
        near = {
            key: [wave for lead in leads for wave in lead[key] if low * rate < sum(wave) / 2 - middle < high * rate]
            for key, low, high in (("N", -0.1, 0.1), ("t", 0.08, 0.5), ("p", -0.32, -0.04))
        }
        if not near["N"] or not near["t"]:
            continue
        beat = {"qrs_onset": _onset(near["N"]), "qrs_offset": _offset(near["N"]), "t_offset": _offset(near["t"])}
        if len(near["p"]) >= P_LEADS:
            beat |= {"p_onset": _onset(near["p"]), "p_offset": _offset(near["p"])}
        found.append({name: value * 1000 / rate for name, value in beat.items()})
    return found


def _waves(record: Path, lead: str) -> Waves:
    notes = wfdb.rdann(str(record), lead)
    waves: Waves = {"p": [], "N": [], "t": []}
    marks = list(zip(notes.symbol, notes.sample, strict=True))
    for before, mark, after in zip(marks, marks[1:], marks[2:], strict=False):
        if mark[0] in waves and before[0] == "(" and after[0] == ")":
            waves[mark[0]].append((int(before[1]), int(after[1])))
    return waves


def _onset(waves: list[tuple[int, int]]) -> float:
    return float(np.quantile([wave[0] for wave in waves], EARLY))


def _offset(waves: list[tuple[int, int]]) -> float:
    return float(np.quantile([wave[1] for wave in waves], LATE))
