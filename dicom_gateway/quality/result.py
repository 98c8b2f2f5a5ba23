"""The result of an assessment: scores, the figures behind them, and where on the image they were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

VERSION = 1
"""Of the rules: an assessment made by older rules may be made again."""


class Dimension(StrEnum):
    """The six dimensions by which the network grades images."""

    LABELLING = "labelling"
    ARTEFACT = "artefact"
    POSITIONING = "positioning"
    ANATOMY = "anatomy"
    RESOLUTION = "resolution"
    CONTRAST = "contrast"


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle in image coordinates: columns `x` to `x + width`, rows `y` to `y + height`, in pixels from the top left."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One figure behind a score. `series` and `instance` are UIDs, empty where the study as a whole is meant."""

    measure: str
    value: float
    unit: str
    score: int
    series: str = ""
    instance: str = ""
    shapes: tuple[Shape, ...] = ()
    detail: str = ""
    """The evidence as it stands in the header: names of attributes, values. Never a sentence."""


@dataclass(frozen=True, slots=True)
class Score:
    """One dimension: `value` 0-100, or None with the `reason` why it was not assessed (a word for the catalogue)."""

    value: int | None
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """A study's six scores."""

    scores: Mapping[Dimension, Score] = field(default_factory=dict)
    images: int = 0
    """Images whose pixels were measured."""

    @property
    def lowest(self) -> int | None:
        """The weakest of the dimensions that were assessed; None where none was."""
        values = [score.value for score in self.scores.values() if score.value is not None]
        return min(values, default=None)

    def as_json(self) -> dict[str, Any]:
        """For storing; `from_json` reads it."""
        return {
            "version": VERSION,
            "images": self.images,
            "dimensions": {
                dimension.value: {"score": score.value, "reason": score.reason, "evidence": [asdict(each) for each in score.evidence]}
                for dimension, score in self.scores.items()
            },
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Assessment:
        """An assessment as `as_json` wrote it."""
        scores = {
            Dimension(name): Score(each["score"], each["reason"], tuple(_evidence(e) for e in each["evidence"]))
            for name, each in document["dimensions"].items()
        }
        return cls(scores, document["images"])


def _evidence(document: Mapping[str, Any]) -> Evidence:
    shapes: Sequence[Mapping[str, float]] = document.get("shapes", ())
    return Evidence(**{**document, "shapes": tuple(Shape(**shape) for shape in shapes)})
