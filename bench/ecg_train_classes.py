"""Make `ecg/analysis/beat_classes.json` from MIT-BIH DS1, and print the accuracy on records left out.

    python -m bench.ecg_train_classes MITDB_FOLDER [--write]

Only the records of DS1 (de Chazal 2004) that lie in the folder are used, never those of DS2. The trees of S also learn from
DISTURBED copies of them (`bench.ecg_perturbations`), so that they do not lean on a P wave that noise hides; those of V gain
nothing from that. The trees' directions are fixed: -1 means "the smaller the feature, the more of this class". Features
(computed by `ecg.analysis.features`):
early, late_next: RR before and after, in local median RR; pause_ratio, drop: logarithms of RR before / after and of
RR before / the one before that; early_previous: `early` of the beat before; early_all: RR before / median of the whole
recording; irregular: median change of RR around; like, like_local: QRS correlation with the patient's normal template
and with the normal beats around; size: log of QRS size / normal; spread, width: ms of QRS activity, and their log
ratios to normal; p, t: correlation of P and T windows with the normal beats around; p_size: log of P window size /
normal; p_usual: how alike the patient's normal P windows are; kind_*: share, median early and late of the beat's
template, and whether it is the normal one; kind_wide, kind_p: log of its QRS width / normal, and median p, and like_best:
like_local in the lead where it is highest (for a rule of their own, not in the trees).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from bench.ecg_perturbations import changed
from bench.mitdb import DS1, Record, aami_truth, records
from ecg.analysis.classes import decided
from ecg.analysis.features import features
from ecg.analysis.morphology import beat_windows
from ecg.analysis.qrs import find_beats
from ecg.analysis.templates import group

DIRECTIONS = {
    "V": {
        "early": -1, "late_next": 1, "pause_ratio": -1, "drop": -1, "like_local": -1, "like": -1, "size": 0,
        "spread_ratio": 1, "width_ratio": 1, "spread": 1, "p": -1, "t": -1, "kind_share": -1, "kind_early": -1,
        "kind_late": 1, "kind_normal": -1,
    },
    "S": {
        "early": -1, "pause_ratio": -1, "drop": -1, "p": -1, "late_next": 0, "like_local": 0, "irregular": 0,
        "early_all": 0, "kind_early": -1, "p_size": 0, "p_usual": 0, "early_previous": 0, "t": 0, "kind_share": 0,
    },
}  # fmt: skip
TREES, LEAVES, RATE, LEAF_BEATS, SHRINK = 60, 6, 0.1, 60, 5.0
WEIGHT_S = 3.0
"""supraventricular beats are rare; each counts as three"""
DISTURBED = ("motion 200 uV in turn", "motion 150 uV together", "muscle 50 uV")
EVERY = 2
"""of a disturbed copy every second beat is learnt from"""
OFFSET = {"V": -0.75, "S": 0.5}
"""added to the log-odds, so that on the records left out Se and PPV are about equal"""
DESTINATION = Path(__file__).resolve().parent.parent / "ecg/analysis/beat_classes.json"


@dataclass(frozen=True)
class Beats:
    """The beats found in one record: features by name, reference classes, and which of them EC57 counts."""

    record: Record
    found: np.ndarray
    features: dict[str, np.ndarray]
    truth: np.ndarray
    counted: np.ndarray
    disturbed: bool


def beats_of(record: Record, change: str = "as it is") -> Beats:
    """Everything of one record, or of a disturbed copy, that training and scoring need."""
    recording = changed(record, change)
    found = find_beats(recording)
    templates = group(beat_windows(recording, found), len(found))
    values = features(found, recording.rate, templates, lambda: beat_windows(recording, found))
    return Beats(record, found, values, *aami_truth(record, found), change in DISTURBED)


def fit(every: Iterable[Beats], kind: str) -> HistGradientBoostingClassifier:
    """The trees of one class from some records; S is learnt against N alone."""
    names, classes = list(DIRECTIONS[kind]), ["N", "S", "V"] if kind == "V" else ["N", "S"]
    inputs, truths = [], []
    for beats in every:
        if beats.disturbed and kind == "V":
            continue
        rows = np.flatnonzero(beats.counted & np.isin(beats.truth, classes))[:: EVERY if beats.disturbed else 1]
        inputs.append(np.column_stack([beats.features[name][rows] for name in names]))
        truths.append(beats.truth[rows])
    truth = np.concatenate(truths)
    model = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=RATE, min_samples_leaf=LEAF_BEATS,
        l2_regularization=SHRINK, monotonic_cst=list(DIRECTIONS[kind].values()), early_stopping=False, random_state=0,
    )  # fmt: skip
    return model.fit(np.concatenate(inputs), truth == kind, np.where(truth == "S", WEIGHT_S if kind == "S" else 1.0, 1.0))


def said(models: dict[str, HistGradientBoostingClassifier], beats: Beats) -> np.ndarray:
    """The classes of one record's beats by some models."""
    scores = {
        kind: model.decision_function(np.column_stack([beats.features[name] for name in DIRECTIONS[kind]])) + OFFSET[kind]
        for kind, model in models.items()
    }
    return decided(beats.found, beats.record.recording.rate, beats.features, scores["V"], scores["S"])


def as_data(model: HistGradientBoostingClassifier, kind: str) -> dict[str, object]:
    """A model as plain numbers: nodes are [feature or -1, threshold, left, right, value]."""
    trees = []
    for (predictor,) in model._predictors:  # the library has no public way to its trees
        nodes = predictor.nodes
        trees.append(
            [
                [-1, 0, 0, 0, round(float(node["value"]), 5)]
                if node["is_leaf"]
                else [int(node["feature_idx"]), round(float(node["num_threshold"]), 5), int(node["left"]), int(node["right"]), 0]
                for node in nodes
            ]
        )
    offset = float(np.ravel(model._baseline_prediction)[0]) + OFFSET[kind]
    return {"features": list(DIRECTIONS[kind]), "offset": round(offset, 5), "trees": trees}


def counts(beats: Beats, classes: np.ndarray) -> np.ndarray:
    """Right, missed and wrong of V and of S as ANSI/AAMI EC57 counts them (fusion beats called V are not errors), (2, 3)."""
    rows = []
    for kind, against in (("V", ["N", "S", "-"]), ("S", ["N", "V", "F", "-"])):
        real, given = (beats.truth == kind) & beats.counted, (classes == kind) & beats.counted
        rows.append([(real & given).sum(), (real & ~given).sum(), (given & np.isin(beats.truth, against)).sum()])
    return np.array(rows)


def line(name: str, values: np.ndarray) -> str:
    """One line of the table."""
    parts = []
    for kind, (right, missed, wrong) in zip("VS", values, strict=True):
        se, ppv = 100 * right / max(1, right + missed), 100 * right / max(1, right + wrong)
        parts.append(f"{kind} {right:5d} right {missed:4d} missed {wrong:4d} wrong  Se {se:5.1f} PPV {ppv:5.1f}")
    return f"{name:<8}" + "   ".join(parts)


def main() -> None:
    """Train, report, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {DESTINATION.name}")
    arguments = parser.parse_args()
    every = [beats_of(record, change) for record in records(arguments.folder, DS1) for change in ("as it is", *DISTURBED)]
    total = np.zeros((2, 3), int)
    for left_out in (beats for beats in every if not beats.disturbed):
        rest = [beats for beats in every if beats.record is not left_out.record]
        values = counts(left_out, said({kind: fit(rest, kind) for kind in DIRECTIONS}, left_out))
        total += values
        print(line(left_out.record.name, values), flush=True)
    print(line("all", total))
    print(f"{len(every) // (1 + len(DISTURBED))} records of DS1, each scored by trees made from the others")
    if arguments.write:
        content = {
            "origin": "MIT-BIH Arrhythmia Database, records of DS1; made by bench/ecg_train_classes.py",
            "scores": {kind: as_data(fit(every, kind), kind) for kind in DIRECTIONS},
        }
        DESTINATION.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
