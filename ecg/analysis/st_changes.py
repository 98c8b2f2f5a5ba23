"""ST elevation and depression of a resting ECG, lead by lead, where two neighbouring leads agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from ecg.analysis.measurements import Measurements

NEIGHBOURS = (*pairwise(("aVL", "I", "II", "aVF", "III")), *pairwise(("V1", "V2", "V3", "V4", "V5", "V6")))
"""limb leads in the order of their angles (Cabrera), chest leads in that of their places"""


@dataclass(frozen=True, slots=True)
class StLimits:
    """mV at J, from the Fourth Universal Definition of Myocardial Infarction (2018): elevation of 0.1 in all leads but V2
    and V3, there 0.15 in women and 0.2 in men (from 40 years on; a younger man's 0.25 would need a certain age); depression
    of 0.05, here also 60 ms later, so that a falling J point alone is none. None of it is said of a QRS of `wide_qrs` ms or
    more, whose ST follows the QRS.
    """

    elevation: float = 0.1
    anterior: Mapping[str, float] = field(default_factory=lambda: {"female": 0.15, "male": 0.2, "unknown": 0.2})
    depression: float = -0.05
    wide_qrs: float = 120.0


LIMITS = StLimits()


def elevated(numbers: Measurements, sex: str, limits: StLimits = LIMITS) -> dict[str, float]:
    """ST at J in mV of the leads that are raised beside a raised neighbour, in the order of the recording."""
    least = dict.fromkeys(("V2", "V3"), limits.anterior.get(sex, limits.anterior["unknown"]))
    return _agreeing({lead: value for lead, value in _levels(numbers, limits).items() if value >= least.get(lead, limits.elevation)})


def depressed(numbers: Measurements, limits: StLimits = LIMITS) -> dict[str, float]:
    """ST at J in mV of the leads that are lowered at J and 60 ms later beside a lowered neighbour."""
    levels = _levels(numbers, limits)
    return _agreeing({lead: level for lead, level in levels.items() if max(level, numbers.st.get(lead, 0.0)) <= limits.depression})


def _levels(numbers: Measurements, limits: StLimits) -> Mapping[str, float]:
    narrow = numbers.qrs_duration is not None and numbers.qrs_duration < limits.wide_qrs
    return numbers.st_j if narrow else {}


def _agreeing(found: Mapping[str, float]) -> dict[str, float]:
    sure = {lead for pair in NEIGHBOURS if set(pair) <= set(found) for lead in pair}
    return {lead: value for lead, value in found.items() if lead in sure}
