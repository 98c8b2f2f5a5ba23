"""The quality of images as the worker measured it, and what trained models propose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

DIMENSIONS = ("labelling", "artefact", "positioning", "anatomy", "resolution", "contrast")
"""The six dimensions of the network's grading, in the order in which they are shown."""

PASSING = 60
"""From this score a dimension passes: the network's own mark; below it the study is shown as faulty."""


@dataclass(frozen=True, slots=True)
class StudyQuality:
    """One study's scores: 0-100 or None where a dimension was not assessed. `document` has reasons and evidence."""

    owner: str
    study_instance_uid: str
    assessed_at: datetime
    images: int
    scores: Mapping[str, int | None]
    document: Mapping[str, Any]

    @property
    def lowest(self) -> int | None:
        """The weakest of the dimensions that were assessed."""
        return min((score for score in self.scores.values() if score is not None), default=None)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The statement of a trained model about a study. It is shown as a proposal, never taken over by itself."""

    owner: str
    study_instance_uid: str
    model: str
    version: str
    received_at: datetime
    findings: Sequence[Mapping[str, Any]]
    """Each: `text`, and where the model says them `confidence` (0-1), `series`, `instance`, `box` (x, y, width, height)."""


@dataclass(frozen=True, slots=True)
class QualitySum:
    """A member's studies of some days: how many were assessed, how many had a dimension below the mark, and the means."""

    institution: str
    studies: int
    faulty: int
    means: Mapping[str, float | None]


class ImageQualities(Protocol):
    """Kept assessments and proposals. Who asks has been let see the study."""

    async def of_studies(self, owner: str, studies: Sequence[str]) -> list[StudyQuality]: ...
    async def proposals(self, owner: str, studies: Sequence[str]) -> list[Proposal]: ...
    async def sums(self, first: date, last: date) -> list[QualitySum]:
        """By institution, of studies assessed in these days of the region."""
        ...
