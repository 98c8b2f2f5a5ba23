"""Signs of hyperkalaemia in a resting ECG: tall narrow T waves, and conduction that suffers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecg.analysis.measurements import Measurements
from ecg.analysis.st_changes import NEIGHBOURS

CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True, slots=True)
class PotassiumLimits:
    """A peaked T wave is at least `chest` or `limb` mV high (0.5 mV in limb and 1.0 mV in chest leads are the usual limits of a
    tall T) and `narrow` ms wide at half its height, in two neighbouring leads: those of LUDB 1-100 are 80-120 ms wide, none is tall
    and narrow, and what is narrower still is an early QRS. Conduction suffers where the QRS lasts `wide_qrs` ms, PR
    `long_pr` ms, or no P is left (AHA/ACC/HRS 2009 part IV; the ECG alone neither proves nor excludes hyperkalaemia).
    """

    chest: float = 1.0
    limb: float = 0.5
    narrow: tuple[float, float] = (55.0, 85.0)
    wide_qrs: float = 120.0
    long_pr: float = 200.0


LIMITS = PotassiumLimits()


@dataclass(frozen=True, slots=True)
class PotassiumSigns:
    """`peaked`: height in mV by lead; `conduction`: the measurements that suffer, by name (`p_consistency` where no P is left)."""

    peaked: Mapping[str, float] = field(default_factory=dict)
    conduction: Mapping[str, float] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """0 without peaked T waves; 1 with them alone; more with each sign of conduction."""
        return 1 + len(self.conduction) if self.peaked else 0


def potassium_signs(numbers: Measurements, limits: PotassiumLimits = LIMITS) -> PotassiumSigns:
    """Return the signs of it in a resting ECG's measurements."""
    peaked = {
        lead: height
        for lead, height in numbers.t_height.items()
        if height >= (limits.chest if lead in CHEST else limits.limb) and limits.narrow[0] <= numbers.t_width[lead] <= limits.narrow[1]
    }
    agreeing = {lead for pair in NEIGHBOURS if set(pair) <= set(peaked) for lead in pair}
    conduction: dict[str, float] = {}
    if numbers.qrs_duration is not None and numbers.qrs_duration >= limits.wide_qrs:
        conduction["qrs_duration"] = numbers.qrs_duration
    if numbers.pr is None:
        conduction["p_consistency"] = numbers.p_consistency or 0.0
    elif numbers.pr > limits.long_pr:
        conduction["pr"] = numbers.pr
    return PotassiumSigns({lead: peaked[lead] for lead in peaked if lead in agreeing}, conduction)
