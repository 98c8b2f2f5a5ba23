"""Sums of small decision trees kept as a data file, and nothing more: how a beat's features become a score."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

DATA = Path(__file__).parent
BEATS_AT_ONCE = 8192
"""a day of beats is scored in parts: their table of features is as large as the features"""


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes of one tree: a leaf has feature -1 and a value; elsewhere features up to the threshold go left."""

    feature: npt.NDArray[np.int64]
    threshold: Doubles
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    value: Doubles


@dataclass(frozen=True, slots=True)
class Score:
    """`names` of the features in the order of their numbers; `offset` is added to the trees' sum."""

    names: tuple[str, ...]
    offset: float
    trees: tuple[Tree, ...]

    def __call__(self, features: Mapping[str, Floats]) -> Doubles:
        """Log-odds of each beat, (n,). Raises KeyError for a missing feature."""
        columns = [features[name] for name in self.names]
        parts = [
            self._sums(np.column_stack([c[first : first + BEATS_AT_ONCE] for c in columns]))
            for first in range(0, len(columns[0]), BEATS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _sums(self, table: Floats) -> Doubles:
        rows = np.arange(len(table))
        total = np.full(len(table), self.offset)
        for tree in self.trees:
            node = np.zeros(len(table), np.int64)
            while True:
                feature = tree.feature[node]
                if (feature < 0).all():
                    break
                goes_left = table[rows, np.maximum(feature, 0)] <= tree.threshold[node]
                node = np.where(feature < 0, node, np.where(goes_left, tree.left[node], tree.right[node]))
            total += tree.value[node]
        return total


@cache
def load(name: str) -> Mapping[str, Score]:
    """All scores of `NAME.json` beside this module, by name."""
    content = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return {
        key: Score(tuple(part["features"]), float(part["offset"]), tuple(_tree(nodes) for nodes in part["trees"]))
        for key, part in content["scores"].items()
    }


def _tree(nodes: list[list[float]]) -> Tree:
    feature, threshold, left, right, value = np.asarray(nodes, np.float64).T
    return Tree(feature.astype(np.int64), threshold, left.astype(np.int64), right.astype(np.int64), value)
