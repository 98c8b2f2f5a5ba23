"""Electrodes that look swapped, each suspicion with the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ecg.analysis.delineation import Bounds, delineate
from ecg.analysis.median_beat import MedianBeat, median_beat
from ecg.analysis.qrs import find_beats
from ecg.recording import Recording

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")


@dataclass(frozen=True, slots=True)
class ReversalLimits:
    """`flat`: most microvolts peak to peak of QRS in a limb lead that measures two electrodes on the legs, and `others`
    the least of the other two limb leads (right arm or left arm against right leg: Batchvarov 2007). `gain`: how much
    smoother, as a share, the row V1-V6 must become by swapping two neighbours to suspect that they are swapped.
    """

    flat: float = 100.0
    others: float = 400.0
    gain: float = 0.25
    p_share: float = 0.1
    missing: float = 0.5


LIMITS = ReversalLimits()


@dataclass(frozen=True, slots=True)
class Reversal:
    """`electrodes` that seem swapped, e.g. ("RA", "LA"), and the `evidence`: numbers by name, areas in µV·s."""

    electrodes: tuple[str, str]
    evidence: Mapping[str, float] = field(default_factory=dict)


def lead_reversal(recording: Recording, beats: Indices | None = None, limits: ReversalLimits = LIMITS) -> list[Reversal]:
    """Suspected reversals of a 12-lead recording; empty for fewer leads, where a lead is mostly missing, or without a median beat."""
    standard = set(LIMB) | set(CHEST) <= set(recording.leads)
    if not standard or _mostly_missing(recording, limits):
        return []
    beat = median_beat(recording, find_beats(recording) if beats is None else beats)
    bounds = delineate(beat) if beat is not None else None
    if beat is None or bounds is None:
        return []
    suspected = [_arms(beat, bounds, limits), _legs(beat, bounds, limits), _chest(beat, bounds, limits)]
    return [found for found in suspected if found is not None]


def _mostly_missing(recording: Recording, limits: ReversalLimits) -> bool:
    """A lead that was not recorded is bridged by a flat line, which looks like a lead between two legs."""
    count = max(1, recording.samples.shape[1])
    return any(np.isnan(row).sum() > limits.missing * count for row in recording.samples)


def _row(beat: MedianBeat, lead: str) -> Doubles:
    return np.asarray(beat.plain[beat.leads.index(lead)])


def _area(beat: MedianBeat, lead: str, start: int, end: int, zero: int) -> float:
    """Net area in µV·s against the level at `zero`."""
    row = _row(beat, lead)
    return float((row[start : end + 1] - row[zero]).sum() / 500.0)


def _arms(beat: MedianBeat, bounds: Bounds, limits: ReversalLimits) -> Reversal | None:
    """Right and left arm: I is upside down (P and QRS) while V6, which looks the same way, is upright."""
    if bounds.p_onset is None or bounds.p_offset is None:
        return None
    zero = max(0, bounds.qrs_onset - 2)
    p_in = {lead: _area(beat, lead, bounds.p_onset, bounds.p_offset, zero) for lead in ("I", "II", "V6", "aVR")}
    qrs_in = {lead: _area(beat, lead, bounds.qrs_onset, bounds.qrs_offset, zero) for lead in ("I", "V6")}
    clear = abs(p_in["I"]) > limits.p_share * max(abs(value) for value in p_in.values())
    if p_in["I"] < 0 and clear and p_in["V6"] > 0 and qrs_in["I"] < 0 < qrs_in["V6"]:
        return Reversal(
            ("RA", "LA"),
            {"p_area_I": p_in["I"], "p_area_V6": p_in["V6"], "qrs_area_I": qrs_in["I"], "qrs_area_V6": qrs_in["V6"]},
        )
    return None


def _legs(beat: MedianBeat, bounds: Bounds, limits: ReversalLimits) -> Reversal | None:
    """An arm on the right leg: the limb lead between the two leg electrodes is almost flat."""
    span = slice(bounds.qrs_onset, bounds.qrs_offset + 1)
    height = {lead: float(np.ptp(_row(beat, lead)[span])) for lead in ("I", "II", "III")}
    flat = min(height, key=lambda lead: height[lead])
    if height[flat] > limits.flat or min(height[lead] for lead in height if lead != flat) < limits.others:
        return None
    electrodes = {"II": ("RA", "RL"), "III": ("LA", "RL"), "I": ("RA", "LA")}[flat]
    evidence = {f"qrs_height_{lead}": value for lead, value in height.items()}
    return Reversal(electrodes, evidence) if flat != "I" else None


def _chest(beat: MedianBeat, bounds: Bounds, limits: ReversalLimits) -> Reversal | None:
    """Two neighbouring chest electrodes: the QRS-T changes more smoothly from V1 to V6 with them swapped."""
    last = bounds.t_offset if bounds.t_offset is not None else bounds.qrs_offset
    rows = np.stack([_row(beat, lead)[bounds.qrs_onset : last + 1] for lead in CHEST])
    rows = rows - rows[:, :1]
    given = _roughness(rows)
    best, pair = given, None
    for left in range(len(CHEST) - 1):
        order = list(range(len(CHEST)))
        order[left], order[left + 1] = order[left + 1], order[left]
        if (rough := _roughness(rows[order])) < best:
            best, pair = rough, left
    if pair is None or given <= 0 or 1 - best / given < limits.gain:
        return None
    return Reversal((CHEST[pair], CHEST[pair + 1]), {"roughness": given, "roughness_swapped": best})


def _roughness(rows: Doubles) -> float:
    return float(sum(np.linalg.norm(second - first) for first, second in pairwise(rows)))
