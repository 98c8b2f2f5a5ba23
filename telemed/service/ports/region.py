"""The region as use cases see it: the network, the centres, and the numbers that a region decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from telemed.domain.centre import Centre
from telemed.domain.deadlines import DeadlineRule, WorkingHours
from telemed.domain.network import Network
from telemed.domain.people import LockOut, SessionLimits


@dataclass(frozen=True, slots=True)
class EcgRules:
    """What a region decides about tracings.

    `requests`: members of which every ECG is a request, so that one without a case opens one. `critical`: rows of the
    table of critical values by code, as `{"at_least": 3.5}` or `{"at_most": 40}`; None switches a row off.
    """

    requests: frozenset[str] = frozenset()
    critical: Mapping[str, Mapping[str, float] | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PriorRules:
    """The number of earlier studies fetched for a case, the newest first, and their greatest age: a reader compares with few
    (practice)."""

    studies: int = 10
    years: int = 10


@dataclass(frozen=True, slots=True)
class Region:
    """The region's settings: the network, the centres, and the numbers that a region decides."""

    network: Network
    centres: Mapping[str, Centre]
    working_hours: WorkingHours = field(default_factory=WorkingHours)
    deadline_rules: Mapping[str, tuple[DeadlineRule, ...]] = field(default_factory=dict)
    tell_within: timedelta = timedelta(minutes=10)
    lock_out: LockOut = field(default_factory=LockOut)
    sessions: SessionLimits = field(default_factory=SessionLimits)
    ecg: EcgRules = field(default_factory=EcgRules)
    priors: PriorRules = field(default_factory=PriorRules)

    def rules(self, centre: Centre) -> tuple[DeadlineRule, ...]:
        """The region's own deadlines for the centre, or the centre's defaults."""
        return self.deadline_rules.get(centre.code, centre.deadlines)
