"""AAMI class of every beat: N, S (supraventricular ectopic) or V (ventricular ectopic).

Fusion (F) and unclassifiable (Q) beats are not told apart automatically; a reader gives these classes. The two scores
are sums of small trees whose direction is fixed by physiology (an earlier, wider, less familiar beat is never less
ventricular); they were made from MIT-BIH DS1 by `bench/ecg_train_classes.py`, which also prints their accuracy on
records left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg.analysis.features import features
from ecg.analysis.morphology import beat_windows
from ecg.analysis.templates import Templates, group
from ecg.analysis.trees import load
from ecg.recording import Recording

Indices = npt.NDArray[np.int64]
Classes = npt.NDArray[np.str_]
Doubles = npt.NDArray[np.float64]

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
    likeness: Doubles


def classify_beats(recording: Recording, beats: Indices) -> Classes:
    """AAMI class of each beat ('N', 'S' or 'V'), (n,), for ascending sample indices `beats`."""
    return classify(recording, beats).classes


def classify(recording: Recording, beats: Indices) -> Classification:
    """Classes with the templates and scores behind them."""
    count = len(beats)
    if count < LEAST_BEATS:
        empty = Templates(np.zeros((0, 0), np.float32), np.zeros(0, np.float32), np.zeros(count, np.int64))
        return Classification(np.full(count, "N"), empty, *np.zeros((3, count)))
    templates = group(beat_windows(recording, beats), count)
    if len(templates.shapes) == 0:
        return Classification(np.full(count, "N"), templates, *np.zeros((3, count)))
    found = features(beats, recording.rate, templates, lambda: beat_windows(recording, beats))
    scores = load("beat_classes")
    ventricular, supraventricular = scores["V"](found), scores["S"](found)
    classes = np.where(ventricular > 0, "V", np.where(supraventricular > 0, "S", "N"))
    return Classification(classes, templates, ventricular, supraventricular, found["p_repeats"])
