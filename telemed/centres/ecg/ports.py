"""Ports of the ECG centre: recordings as rows and as samples, and a region's rules about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from telemed.centres.ecg.domain import Edit, Tracing
from telemed.service.ports.region import Region

MAX_BINS = 65_536
"""Bins of one answer: at three leads 400 kB; a screen has some thousand columns."""


class TracingReader(Protocol):
    """Results and samples of a recording, with a reader's edits taken into account."""

    def levels(self, tracing: Tracing) -> list[dict[str, int]]:
        """The pyramid's levels, finest first: `samples` a bin and `count` of bins."""
        ...

    def filters(self, rate: float) -> list[dict[str, Any]]:
        """Filters for the screen: `name`, band, `diagnostic`, and `stages` of second-order sections to run both ways."""
        ...

    async def samples(self, tracing: Tracing, level: int, first: int, count: int, leads: Sequence[str]) -> bytes:
        """Bins of the leads (all where none is named), lead after lead, int16 of a microvolt, little-endian. Raises Invalid."""
        ...

    async def results(self, tracing: Tracing, edits: Sequence[Edit]) -> bytes:
        """JSON: beats and the median beat; of a long recording hours, events, templates, trends, after the edits."""
        ...

    async def beats(self, tracing: Tracing) -> bytes:
        """Beats of a long recording: uint32 samples, then a letter and a template a beat. Raises NotFound for a resting one."""
        ...


class Tracings(Protocol):
    async def add(self, tracing: Tracing) -> bool:
        """False where this recording of this evidence is there already."""
        ...

    async def get(self, tracing_id: str) -> Tracing | None:
        """The tracing, locked for the rest of a writing transaction."""
        ...

    async def of_cases(self, case_ids: list[str]) -> list[Tracing]:
        """Recordings of these cases by the time they were made, those without a time last."""
        ...

    async def sources(self, evidence_id: str) -> set[str]:
        """Sources of this evidence that have been read."""
        ...

    async def edits(self, tracing_id: str) -> list[Edit]:
        """All edits in order, those taken back too."""
        ...

    async def add_edit(self, edit: Edit) -> None: ...
    async def take_back(self, tracing_id: str, number: int, by: str, at: datetime) -> None: ...
    async def arrived(self, member: str, sha256: str) -> tuple[str, str] | None:
        """Case and evidence that a cart's file became."""
        ...

    async def note_arrival(self, member: str, sha256: str, case_id: str, evidence_id: str, at: datetime) -> None: ...


REQUESTS = "ecg-requests"
"""Region setting: codes of members of which every ECG is a request."""

CRITICAL = "ecg-critical"
"""Region setting: changes to the table of critical values, see `EcgRules`."""


@dataclass(frozen=True, slots=True)
class EcgRules:
    """A region's rules about tracings.

    `requests`: members of which every ECG is a request, so that one without a case opens one. `critical`: rows of the
    table of critical values by code, as `{"at_least": 3.5}` or `{"at_most": 40}`; None switches a row off.
    """

    requests: frozenset[str] = frozenset()
    critical: Mapping[str, Mapping[str, float] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, region: Region) -> EcgRules:
        """Read the rules from the region's settings."""
        return cls(frozenset(region.settings.get(REQUESTS) or ()), region.settings.get(CRITICAL) or {})
