"""The table of limits: how a figure becomes a score."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from dicom_gateway.quality.result import Dimension


@dataclass(frozen=True, slots=True)
class Limit:
    """One row of `limits.toml`: `good` or better scores 100, `bad` or worse 0, a straight line between."""

    measure: str
    dimension: Dimension
    good: float
    bad: float
    unit: str
    source: str
    modalities: frozenset[str] = frozenset()
    over: str = "worst"

    def applies_to(self, modality: str) -> bool:
        """True if the figure applies to images of this modality."""
        return not self.modalities or modality in self.modalities

    def score(self, value: float) -> int:
        """0-100."""
        return round(100 * min(1.0, max(0.0, (value - self.bad) / (self.good - self.bad))))


def _read() -> Mapping[str, Limit]:
    rows = tomllib.loads((files("dicom_gateway.quality") / "limits.toml").read_text("utf-8"))["limit"]
    made = (Limit(**{**row, "dimension": Dimension(row["dimension"]), "modalities": frozenset(row.get("modalities", ()))}) for row in rows)
    return {limit.measure: limit for limit in made}


LIMITS: Mapping[str, Limit] = _read()
"""By name of the measure."""
