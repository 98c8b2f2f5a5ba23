"""Boundaries of P, QRS and T on LUDB (Kalyakulina 2020): the reference over all leads, and the measured difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb

import ecg

LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
BOUNDS = {"p": "p_duration", "pr": "pr", "qrs": "qrs_duration", "qt": "qt"}
LIMITS = {"p": (10, 15), "pr": (10, 10), "qrs": (10, 10), "qt": (25, 30)}
"""most mean and standard deviation in ms (CSE, IEC 60601-2-25), the four per cent farthest from the median dropped"""
KEPT = 0.96
EARLY, LATE = 0.1, 0.9
"""the global onset and offset are these quantiles of the leads' own"""
P_LEADS = 6

Errors = dict[str, list[float]]
Waves = dict[str, list[tuple[int, int]]]


def ludb_errors(folder: Path) -> Errors:
    """Measured less reference in ms, by interval, over the records of a folder."""
    errors: Errors = {name: [] for name in BOUNDS}
    for header in sorted(folder.glob("*.hea"), key=lambda path: int(path.stem)):
        reference = _reference(header.with_suffix(""))
        measured = ecg.measure(ecg.read(header))
        for name, field in BOUNDS.items():
            value = getattr(measured, field)
            if value is not None and reference[name]:
                errors[name].append(value - float(np.median(reference[name])))
    return errors


def summary(errors: Errors) -> list[str]:
    """One line for each interval."""
    lines = ["boundaries on LUDB, ms (4 % farthest from the median dropped)"]
    for name, values in errors.items():
        kept = sorted(values, key=lambda value: abs(value - np.median(values)))[: int(KEPT * len(values))]
        if kept:
            mean, spread = LIMITS[name]
            lines.append(
                f"{name:<4} {np.mean(kept):+6.1f} ± {np.std(kept):5.1f} over {len(kept)} of {len(values)}, limits {mean} ± {spread}"
            )
    return lines


def _reference(record: Path) -> dict[str, list[float]]:
    """Intervals in ms of each beat annotated in lead II."""
    leads = [_waves(record, lead) for lead in LEADS]
    rate = wfdb.rdheader(str(record)).fs
    found: dict[str, list[float]] = {name: [] for name in BOUNDS}
    for first, last in leads[1]["N"]:
        middle = (first + last) / 2
        near = {
            key: [wave for lead in leads for wave in lead[key] if low * rate < sum(wave) / 2 - middle < high * rate]
            for key, low, high in (("N", -0.1, 0.1), ("t", 0.08, 0.5), ("p", -0.32, -0.04))
        }
        if not near["N"] or not near["t"]:
            continue
        onset = _onset(near["N"])
        found["qrs"].append((_offset(near["N"]) - onset) * 1000 / rate)
        found["qt"].append((_offset(near["t"]) - onset) * 1000 / rate)
        if len(near["p"]) >= P_LEADS:
            found["pr"].append((onset - _onset(near["p"])) * 1000 / rate)
            found["p"].append((_offset(near["p"]) - _onset(near["p"])) * 1000 / rate)
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
