"""AAMI class of every beat: N, S (supraventricular ectopic) or V (ventricular ectopic).

Fusion (F) and unclassifiable (Q) beats are not told apart automatically; a reader gives these classes. Beats of a kind
much wider than the patient's own are ventricular; the others are decided by two scores, sums of small trees whose
direction is fixed by physiology (an earlier, wider, less familiar beat is never less ventricular). They were made from
MIT-BIH DS1 by `bench/ecg_train_classes.py`, which also prints their accuracy on records left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg.analysis.features import features
from ecg.analysis.fibrillation import fibrillation
from ecg.analysis.morphology import beat_windows
from ecg.analysis.templates import Templates, group
from ecg.analysis.trees import load
from ecg.recording import Recording

Indices = npt.NDArray[np.int64]
Classes = npt.NDArray[np.str_]
Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

WIDE, CONDUCTED, ONE_LEAD = 1.4, 0.7, 0.96
"""a kind of beat whose QRS is this many times as wide as the patient's normal one (112 ms against 80) is ventricular,
whatever the trees say, unless the patient's usual P wave goes before it (median correlation of its P window with the
normal one): then it is conducted, with another bundle branch or ST. On DS1 any factor from 1.3 to 1.4 does alike. A beat that
in one lead is like the normal ones around (correlation of ONE_LEAD or more) is not: what is wide there is the movement of the
other lead's electrode. From 0.98 to 0.92 each 0.02 trades 0.3 % of Se for 3 % of PPV where electrodes move"""
LEAST_BEATS = 5
"""with fewer beats there is no usual beat to compare with; all are then N"""


@dataclass(frozen=True, slots=True)
class Classification:
    """`classes` (n,) of 'N', 'S', 'V'; `templates` the groups of like beats; scores are log-odds.

    `likeness` is the correlation of each beat's P window (260-70 ms before the QRS) with that of the beat before.
    """

    classes: Classes
    templates: Templates
    ventricular: Doubles
    supraventricular: Doubles
    likeness: Floats


def classify_beats(recording: Recording, beats: Indices) -> Classes:
    """AAMI class of each beat ('N', 'S' or 'V'), (n,), for ascending sample indices `beats`."""
    return classify(recording, beats).classes


def classify(recording: Recording, beats: Indices) -> Classification:
    """Classes with the templates and scores behind them."""
    count = len(beats)
    if count < LEAST_BEATS:
        empty = Templates(np.zeros((0, 0), np.float32), np.zeros(0, np.float32), np.zeros(count, np.int64))
        return _all_normal(count, empty)
    templates = group(beat_windows(recording, beats), count)
    if len(templates.shapes) == 0:
        return _all_normal(count, templates)
    found = features(beats, recording.rate, templates, lambda: beat_windows(recording, beats))
    scores = load("beat_classes")
    ventricular, supraventricular = scores["V"](found), scores["S"](found)
    classes = decided(beats, recording.rate, found, ventricular, supraventricular)
    return Classification(classes, templates, ventricular, supraventricular, found["p_repeats"])


def _all_normal(count: int, templates: Templates) -> Classification:
    return Classification(np.full(count, "N"), templates, np.zeros(count), np.zeros(count), np.zeros(count, np.float32))


def decided(beats: Indices, rate: float, found: Mapping[str, Floats], ventricular: Doubles, supraventricular: Doubles) -> Classes:
    """Classes from the two scores (log-odds), the width of each beat's kind, and the rhythm."""
    wide = (found["kind_wide"] > np.log(WIDE)) & (found["kind_p"] < CONDUCTED) & (found["like_best"] < ONE_LEAD)
    classes = np.where(wide | (ventricular > 0), "V", np.where(supraventricular > 0, "S", "N"))
    return without_early_beats_in_fibrillation(beats, rate, classes, found["p_repeats"])


def without_early_beats_in_fibrillation(beats: Indices, rate: float, classes: Classes, likeness: Floats) -> Classes:
    """The classes with S taken back to N where the atria fibrillate: without an atrial rhythm no beat of it is premature."""
    calmed = classes.copy()
    for span in fibrillation(beats, rate, classes, likeness):
        inside = slice(*np.searchsorted(beats, (span.first, span.last + 1)))
        calmed[inside][calmed[inside] == "S"] = "N"
    return calmed
