"""Make `ecg/analysis/beat_classes.json` from MIT-BIH DS1, and print the accuracy on records left out.

    python bench/ecg_train_classes.py MITDB_FOLDER [--write]

Only the records of DS1 (de Chazal 2004) that lie in the folder are used, never those of DS2. The trees' directions are
fixed: -1 means "the smaller the feature, the more of this class". Features (computed by `ecg.analysis.features`):
early, late_next: RR before and after, in local median RR; pause_ratio, drop: logarithms of RR before / after and of
RR before / the one before that; early_previous: `early` of the beat before; early_all: RR before / median of the whole
recording; irregular: median change of RR around; like, like_local: QRS correlation with the patient's normal template
and with the normal beats around; size: log of QRS size / normal; spread, width: ms of QRS activity, and their log
ratios to normal; p, t: correlation of P and T windows with the normal beats around; p_size: log of P window size /
normal; p_usual: how alike the patient's normal P windows are; kind_*: share, median early and late of the beat's
template, and whether it is the normal one.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from bench.mitdb import DS1, aami_truth, records
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
OFFSET = {"V": 0.0, "S": -0.5}
"""added to the log-odds: a false S costs the reader more than a missed one"""
DESTINATION = Path(__file__).resolve().parent.parent / "ecg/analysis/beat_classes.json"


def table(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Features by name, truth and record number of every beat found in the DS1 records of a folder."""
    columns: dict[str, list[np.ndarray]] = {}
    truths, numbers = [], []
    for record in records(folder, DS1):
        beats = find_beats(record.recording)
        templates = group(beat_windows(record.recording, beats), len(beats))
        found = features(beats, record.recording.rate, templates, lambda r=record, b=beats: beat_windows(r.recording, b))
        truth, counted = aami_truth(record, beats)
        for name, values in found.items():
            columns.setdefault(name, []).append(values[counted])
        truths.append(truth[counted])
        numbers.append(np.full(counted.sum(), int(record.name)))
    return {k: np.concatenate(v) for k, v in columns.items()}, np.concatenate(truths), np.concatenate(numbers)


def fit(columns: dict[str, np.ndarray], truth: np.ndarray, rows: np.ndarray, kind: str) -> HistGradientBoostingClassifier:
    """The trees of one class from some rows; S is learnt against N alone."""
    rows = rows & np.isin(truth, ["N", "S", "V"] if kind == "V" else ["N", "S"])
    directions = DIRECTIONS[kind]
    model = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=RATE, min_samples_leaf=LEAF_BEATS,
        l2_regularization=SHRINK, monotonic_cst=list(directions.values()), early_stopping=False, random_state=0,
    )  # fmt: skip
    inputs = np.column_stack([columns[name][rows] for name in directions])
    return model.fit(inputs, truth[rows] == kind, np.where(truth[rows] == "S", WEIGHT_S if kind == "S" else 1.0, 1.0))


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


def accuracy(truth: np.ndarray, said: np.ndarray) -> str:
    """Sensitivity and positive predictive value as ANSI/AAMI EC57 counts them (fusion beats called V are not errors)."""
    parts = []
    for kind, against in (("V", ["N", "S", "-"]), ("S", ["N", "V", "F", "-"])):
        right = int(((truth == kind) & (said == kind)).sum())
        wrong = int((np.isin(truth, against) & (said == kind)).sum())
        parts.append(f"{kind} Se {100 * right / max(1, (truth == kind).sum()):.1f} PPV {100 * right / max(1, right + wrong):.1f}")
    return "  ".join(parts)


def main() -> None:
    """Train, report, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {DESTINATION.name}")
    arguments = parser.parse_args()
    columns, truth, numbers = table(arguments.folder)
    scores = {kind: np.zeros(len(truth)) for kind in DIRECTIONS}
    for number in np.unique(numbers):
        left_out = numbers == number
        for kind, names in DIRECTIONS.items():
            model = fit(columns, truth, ~left_out, kind)
            inputs = np.column_stack([columns[name][left_out] for name in names])
            scores[kind][left_out] = model.decision_function(inputs) + OFFSET[kind]
    said = np.where(scores["V"] > 0, "V", np.where(scores["S"] > 0, "S", "N"))
    print(f"{len(np.unique(numbers))} records of DS1, each left out once: {accuracy(truth, said)}")
    if arguments.write:
        everything = np.ones(len(truth), bool)
        content = {
            "origin": "MIT-BIH Arrhythmia Database, records of DS1; made by bench/ecg_train_classes.py",
            "scores": {kind: as_data(fit(columns, truth, everything, kind), kind) for kind in DIRECTIONS},
        }
        DESTINATION.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
